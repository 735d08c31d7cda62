//! Deletes one object.

use http::Method;

use super::SMALL_ANSWER;
use crate::bucket::Bucket;
use crate::client::{Call, Target};
use crate::error::Error;
use crate::key::ObjectKey;

impl Bucket {
    /// Removes an object; success also when there is none. In a versioned bucket a delete marker is put on
    /// top.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/deleteobject),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0085.html).
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        let key = ObjectKey::new(self.dialect(), key)?;
        let call = Call::new("delete", Method::DELETE, Target::Object(&key));
        self.call(&call, SMALL_ANSWER, |_| Ok(())).await
    }
}
