//! The first key of a list. OMS refuses a list whose first key the source does not have (`TRF.0012`), and
//! another task may have run for hours since the list was written.

use bridge_core::oms::migration::list::key_of;
use futures_util::StreamExt as _;
use oss_lite::Error;

use super::error::TaskError;
use super::lists::options;
use super::still::Sides;
use super::work::Work;

impl Work<'_> {
    /// Writes a list anew without the keys in front that the source has no longer; whether it has any other.
    /// A list that cannot be read or written is left to OMS.
    pub(super) async fn has_first_key(&self, list: &str, sides: &Sides) -> Result<bool, TaskError> {
        let written = match self.without_gone(list, sides).await {
            Ok(None) => return Ok(true),
            Ok(Some(rest)) if rest.is_empty() => return Ok(false),
            Ok(Some(rest)) => {
                // Not by a run that was taken for dead.
                self.turn.check().await?;
                self.bucket.put(list, rest.into(), options()).await.map(drop)
            }
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            tracing::warn!(key = list, %error, "keys that the source has no longer stay on the list");
        }
        Ok(true)
    }

    /// What a list has behind the keys in front that are gone; `None` if the first one is there. Nearly
    /// always the first chunk is all that is read. Otherwise the list is held as a whole: it has at most
    /// 100 MB.
    async fn without_gone(&self, list: &str, sides: &Sides) -> Result<Option<Vec<u8>>, Error> {
        let mut body = self.bucket.get(list).await?.body;
        let (mut rest, mut gone, mut is_found) = (Vec::new(), 0_u64, false);
        while let Some(chunk) = body.next().await {
            rest.extend_from_slice(&chunk?);
            let mut begin = 0;
            while !is_found && let Some(length) = rest[begin..].iter().position(|&byte| byte == b'\n') {
                // What is no key, and what cannot be asked for, is left to OMS.
                is_found = match key_of(&rest[begin..begin + length]) {
                    Some(key) => sides.source_has(&key).await.unwrap_or(true),
                    None => true,
                };
                if !is_found {
                    begin += length + 1;
                    gone += 1;
                }
            }
            rest.drain(..begin);
            if is_found && gone == 0 {
                return Ok(None);
            }
        }
        tracing::info!(key = list, gone, "keys that the source has no longer are taken off the list");
        Ok(Some(rest))
    }
}
