//! Reads a symbolic link.

use http::Method;

use super::SMALL_ANSWER;
use crate::bucket::Bucket;
use crate::client::{Call, Target};
use crate::dialect::Dialect;
use crate::encoding;
use crate::error::{Error, ErrorKind};
use crate::header;
use crate::key::ObjectKey;
use crate::query::Query;

impl Bucket {
    /// The key of the object that a symlink stands for, in the same bucket. OSS only: OBS has no symlinks.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/getsymlink).
    pub async fn symlink_target(&self, key: &str) -> Result<String, Error> {
        let dialect = self.dialect();
        if dialect == Dialect::Obs {
            return Err(Error::new(ErrorKind::InvalidArgument, "OBS has no symlinks"));
        }
        let key = ObjectKey::new(dialect, key)?;
        let call = Call {
            query: Query::new([("symlink", "")]),
            ..Call::new("get the target of the symlink", Method::GET, Target::Object(&key))
        };
        self.call(&call, SMALL_ANSWER, |answer| {
            let target = header::text(&answer.headers, "x-oss-symlink-target");
            target.and_then(|target| encoding::decode_reply(&target)).ok_or_else(|| {
                Error::new(ErrorKind::UnexpectedResponse, "the answer names no target of the symlink")
            })
        })
        .await
    }
}
