use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::{
    Bucket, Error, ErrorKind, ObjectBody, ObjectKey, ObjectMeta, Query,
    client::{Call, Target},
};

/// An object whose body is on its way.
#[derive(Debug)]
pub struct Object {
    /// What the head of the answer says.
    pub meta: ObjectMeta,
    /// The bytes as they arrive.
    pub body: ObjectBody,
}

impl Object {
    /// The whole body, if it has at most `limit` bytes; else an error of kind [`ErrorKind::TooLarge`].
    pub async fn bytes(self, limit: usize) -> Result<Bytes, Error> {
        if usize::try_from(self.meta.size).is_ok_and(|size| size <= limit) {
            return self.body.collect(limit).await;
        }
        let message = format!("the object has {} bytes, more than {limit}", self.meta.size);
        Err(self.body.describe(Error::new(ErrorKind::TooLarge, message)))
    }
}

impl Bucket {
    /// Reads an object. Tries are over once the head of the answer is here: a body that breaks off is an error of its
    /// stream, retryable by reading again.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/getobject),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0083.html).
    pub async fn get(&self, key: &str) -> Result<Object, Error> {
        let dialect = self.dialect();
        let key = ObjectKey::new(dialect, key)?;
        let call = Call {
            operation: "get",
            method: Method::GET,
            target: Target::Object(&key),
            query: Query::default(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        let caller = self.caller();
        let received = caller.run(&call, |received| std::future::ready(Ok(received))).await?;
        let context = caller.context(&call);
        let meta = ObjectMeta::read(dialect, &received.headers);
        let meta = meta.map_err(|error| error.in_context(|| context.clone()))?;
        Ok(Object { meta, body: received.body.in_context(context) })
    }
}
