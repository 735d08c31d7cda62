//! Aborts abandoned multipart uploads, whose parts are billed until they are removed.

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use oss_lite::{Bucket, Error};
use serde::Serialize;

use super::Mode;

/// Counts of open uploads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StaleUploads {
    /// Uploads that are open.
    pub open: u64,
    /// Uploads that were aborted, or would be. Whoever prints the counts says which.
    #[serde(skip)]
    pub aborted: u64,
}

/// Aborts the uploads of keys that begin with `prefix` that were started before `before`. Calls `each` for
/// them.
///
/// # Errors
///
/// When uploads cannot be listed or removed; those before it are removed.
pub async fn abort_stale(
    bucket: &Bucket,
    prefix: &str,
    before: DateTime<Utc>,
    mode: Mode,
    mut each: impl FnMut(&str, Option<DateTime<Utc>>),
) -> Result<StaleUploads, Error> {
    let mut stale = StaleUploads::default();
    let mut uploads = std::pin::pin!(bucket.list_multipart_uploads(prefix));
    while let Some(upload) = uploads.try_next().await? {
        stale.open += 1;
        // Services report whole seconds; an upload of unknown age may still be in progress.
        if upload.initiated.is_none_or(|begun| begun > before) {
            continue;
        }
        if mode == Mode::Copy {
            bucket.abort_multipart_upload(&upload.key, &upload.upload_id).await?;
        }
        stale.aborted += 1;
        each(&upload.key, upload.initiated);
    }
    Ok(stale)
}
