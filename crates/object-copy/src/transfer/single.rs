//! One GET piped into one PUT.

use oss_lite::{Error, PutOptions, StreamBody};

use super::checksums::{Algorithms, Checksums};
use super::destination::{StoreDestination, Verdict, WriteResponse};
use super::error::{Abort, Cause, TransferError};
use super::opened::Opened;
use super::reader::{OnFullResponse, Pinned, Reader};
use super::{Context, retry};

/// Writes a whole object with one request, with retries.
pub(super) async fn put(
    context: &Context,
    to: &StoreDestination,
    key: &str,
    pinned: &Pinned,
    options: &PutOptions,
    mut opened: Option<Opened>,
) -> Result<(), Abort> {
    let size = pinned.info.size().unwrap_or(0);
    let mut options = options.clone();
    options.content_md5 = pinned.info.md5;
    options.crc64 = pinned.info.crc64;
    let mut retries = retry::Retries::new(context.random);
    loop {
        // A service that receives the MD5 compares it by itself.
        let wanted = match pinned.info.likely_md5 {
            Some(_) => Algorithms::CrcAndMd5,
            None if options.content_md5.is_some() => Algorithms::Crc,
            None => to.crc64_support.algorithms(),
        };
        let checksums = Checksums::new(wanted);
        let cause = Cause::default();
        let reader = Reader::new(pinned, 0..size, OnFullResponse::Skip, &checksums).begin_with(opened.take());
        let body = StreamBody::new(size, reader.into_stream(cause.clone()));
        let failed = match to.bucket.put_stream(key, body, options.clone()).await {
            Ok(outcome) => {
                let answered = WriteResponse { etag: outcome.etag.as_deref(), crc64: outcome.crc64 };
                match to.judge(checksums.digests(), answered) {
                    Verdict::Match => return Ok(()),
                    // The service compared the body with the source's own digest.
                    Verdict::Unknown if options.content_md5.is_some() => return Ok(()),
                    Verdict::Unknown => return confirm(to, key, size, &checksums).await,
                    Verdict::Mismatch => {
                        to.remove_bad(key).await;
                        TransferError::transient(format!(
                            "{key:?} has a different checksum at the destination, and was removed"
                        ))
                    }
                }
            }
            Err(error) => refused(error, &cause)?,
        };
        retries.wait(failed).await?;
    }
}

/// The failure of a streamed write: that of the source, if the source broke it.
pub(super) fn refused(error: Error, cause: &Cause) -> Result<TransferError, Abort> {
    match cause.take() {
        Some(abort) => Err(abort),
        // The digest is right, so the bytes changed in transit; OBS has a code of its own for that.
        None if error.code() == Some("InvalidDigest") => Ok(TransferError::from(error).worth_another_try()),
        None => Ok(error.into()),
    }
}

/// Checks what was written if the response to the write proves nothing.
async fn confirm(to: &StoreDestination, key: &str, size: u64, checksums: &Checksums) -> Result<(), Abort> {
    let found = to.look(key).await?;
    let good = found.as_ref().is_some_and(|meta| {
        let md5_agrees = meta.md5().is_none_or(|md5| checksums.digests().md5.is_none_or(|sent| sent == md5));
        meta.size == size && md5_agrees
    });
    if good {
        return Ok(());
    }
    if found.is_some() {
        to.remove_bad(key).await;
    }
    Err(Abort::Corrupt(format!("{key:?} differs at the destination from what was sent")))
}
