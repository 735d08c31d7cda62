use bytes::Bytes;
use http::{HeaderMap, Method};

use super::SMALL_ANSWER;
use crate::{
    Bucket, Error, ObjectKey, ObjectMeta, Query,
    client::{Call, Target},
};

impl Bucket {
    /// What is known of an object without reading it.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/headobject),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0084.html).
    pub async fn head(&self, key: &str) -> Result<ObjectMeta, Error> {
        let dialect = self.dialect();
        let key = ObjectKey::new(dialect, key)?;
        let call = Call {
            operation: "head",
            method: Method::HEAD,
            target: Target::Object(&key),
            query: Query::default(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        self.call(&call, SMALL_ANSWER, |answer| ObjectMeta::read(dialect, &answer.headers)).await
    }
}
