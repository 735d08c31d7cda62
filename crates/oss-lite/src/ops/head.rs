//! Reads the metadata of an object.

use http::Method;

use super::SMALL_ANSWER;
use super::get::{condition, version};
use crate::bucket::Bucket;
use crate::client::{Call, Target};
use crate::error::Error;
use crate::key::ObjectKey;
use crate::meta::ObjectMeta;

/// Which version is asked for, and on which condition.
#[derive(Clone, Debug, Default)]
pub struct HeadOptions {
    /// Only if the object has this `ETag`, with or without quotes; else
    /// [`ErrorKind::PreconditionFailed`](crate::ErrorKind::PreconditionFailed).
    pub if_match: Option<String>,
    /// In a versioned bucket. Default: the current version.
    pub version_id: Option<String>,
}

impl Bucket {
    /// What is known of an object without reading it: [`head_with`](Self::head_with) without options.
    pub async fn head(&self, key: &str) -> Result<ObjectMeta, Error> {
        self.head_with(key, HeadOptions::default()).await
    }

    /// What is known of an object without reading it.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/headobject),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0084.html).
    pub async fn head_with(&self, key: &str, options: HeadOptions) -> Result<ObjectMeta, Error> {
        let dialect = self.dialect();
        let key = ObjectKey::new(dialect, key)?;
        let headers = condition(options.if_match.as_deref())?;
        let query = version(options.version_id);
        let call = Call { query, headers, ..Call::new("head", Method::HEAD, Target::Object(&key)) };
        self.call(&call, SMALL_ANSWER, |answer| ObjectMeta::read(dialect, &answer.headers)).await
    }
}
