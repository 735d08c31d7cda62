//! One object read into one file.

use futures_util::StreamExt as _;

use super::Context;
use super::checksums::{Algorithms, Checksums};
use super::error::Abort;
use super::files::{Begun, Directory, UnfinishedFile};
use super::opened::Opened;
use super::range::GetRange;
use super::reader::{OnFullResponse, Pinned, Reader};

/// Writes a pinned object to its file, under a temporary name until it is complete and verified. Returns its
/// size.
pub(super) async fn write(
    context: &Context,
    to: &Directory,
    key: &str,
    pinned: &Pinned,
    opened: Option<Opened>,
) -> Result<u64, Abort> {
    let mut file = match to.begin(key, &pinned.info).await? {
        Begun::Folder => return Ok(0),
        Begun::File(file) => file,
    };
    let filled = tokio::select! {
        filled = fill(&mut file, pinned, opened) => filled,
        stopped = context.stopped_while_reading(pinned.info.size()) => Err(stopped.into()),
    };
    match filled {
        Ok(bytes) => file.finish(pinned.info.identity.last_modified).await.map(|()| bytes),
        Err(abort) => Err(abort),
    }
}

async fn fill(file: &mut UnfinishedFile, pinned: &Pinned, opened: Option<Opened>) -> Result<u64, Abort> {
    let mut bytes = 0;
    if let Some(size) = pinned.info.size() {
        let checksums = Checksums::new(Algorithms::Crc);
        let mut reader = Reader::new(pinned, 0..size, OnFullResponse::Skip, &checksums).begin_with(opened);
        while let Some(chunk) = reader.next().await? {
            bytes += chunk.len() as u64;
            file.write(&chunk).await?;
        }
        return Ok(bytes);
    }
    // `opened` may be a range of an object of unknown size.
    let mut body = match opened.filter(|opened| opened.end.is_none()) {
        Some(opened) => opened.body,
        None => pinned.source.open(&pinned.key, &GetRange::Whole, Some(&pinned.info)).await?.body,
    };
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(Abort::Restart)?;
        bytes += chunk.len() as u64;
        file.write(&chunk).await?;
        pinned.flow.passed(chunk.len()).await;
    }
    Ok(bytes)
}
