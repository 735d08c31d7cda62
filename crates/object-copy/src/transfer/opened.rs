//! An open object: its bytes as they arrive, and whether they are as many as they should be.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};

use super::error::TransferError;
use super::source_info::SourceInfo;

/// The bytes of an object as they arrive. After an error the rest may be read from there with another
/// request.
pub(super) type Body = Pin<Box<dyn Stream<Item = Result<Bytes, TransferError>> + Send>>;

/// An open object whose bytes are arriving.
pub(super) struct Opened {
    pub(super) info: SourceInfo,
    /// Offset of the first byte: 0 if a server sent the whole object instead of a range.
    pub(super) first: u64,
    /// End of the bytes, exclusive, if the source says so.
    pub(super) end: Option<u64>,
    pub(super) body: Body,
}

/// The same body, which fails if its length differs from `len`, as not every framing detects that. The last
/// bytes are passed on only once it is known that none follow.
pub(super) fn exactly(body: Body, len: u64) -> Body {
    let chunks = stream::try_unfold((body, len), |(mut body, left)| async move {
        let Some(chunk) = body.next().await.transpose()? else {
            if left == 0 {
                return Ok(None);
            }
            return Err(TransferError::transient(format!(
                "the source sent {left} bytes less than it announced"
            )));
        };
        let longer = || TransferError::transient("the source sent more bytes than it announced");
        let left = left.checked_sub(chunk.len() as u64).ok_or_else(longer)?;
        if left == 0 {
            while let Some(more) = body.next().await.transpose()? {
                if !more.is_empty() {
                    return Err(longer());
                }
            }
        }
        Ok(Some((chunk, (body, left))))
    });
    Box::pin(chunks)
}

/// The same body, which fails if it is shorter than `len`.
pub(super) fn at_least(body: Body, len: u64) -> Body {
    let chunks = stream::try_unfold((body, len), |(mut body, left)| async move {
        match body.next().await.transpose()? {
            Some(chunk) => {
                let left = left.saturating_sub(chunk.len() as u64);
                Ok(Some((chunk, (body, left))))
            }
            None if left == 0 => Ok(None),
            None => Err(TransferError::transient(format!(
                "the source sent {left} bytes less than it reports elsewhere"
            ))),
        }
    });
    Box::pin(chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(chunks: &[&'static str], len: u64) -> (String, bool) {
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).collect();
        let mut body = exactly(Box::pin(stream::iter(chunks)), len);
        let mut text = String::new();
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
                Err(_) => return (text, false),
            }
        }
        (text, true)
    }

    #[tokio::test]
    async fn a_body_with_another_length_than_announced_fails() {
        for (chunks, len, text, good) in [
            (&["ab", "cd"][..], 4, "abcd", true),
            (&["ab", "", "cd", ""], 4, "abcd", true),
            (&[], 0, "", true),
            (&["ab"], 4, "ab", false),
            (&["ab", "cde"], 4, "ab", false),
            // Nothing of the last piece goes out.
            (&["ab", "cd", "e"], 4, "ab", false),
            (&["a"], 0, "", false),
        ] {
            assert_eq!(read(chunks, len).await, (text.to_owned(), good), "{chunks:?} {len}");
        }
    }
}
