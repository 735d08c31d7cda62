//! One element of an OSS event, in the native form.
//!
//! <https://www.alibabacloud.com/help/en/functioncompute/fc/formats-of-event-for-different-triggers-1>. Every
//! leaf is optional at the vendor's side; numbers have been documented as strings. Only what forwarding needs
//! is read.

use serde::Deserialize;

use super::size::Size;
use super::stream::{group, short};
use super::{EventError, KeyEncoding};
use crate::change::{EventName, ObjectChange, Provider};

#[derive(Deserialize)]
pub(super) struct Element {
    #[serde(default, rename = "eventName", deserialize_with = "short")]
    pub(super) event_name: Option<String>,
    #[serde(default, rename = "eventTime", deserialize_with = "short")]
    pub(super) event_time: Option<String>,
    #[serde(default, deserialize_with = "group")]
    pub(super) oss: Option<Oss>,
}

#[derive(Deserialize)]
pub(super) struct Oss {
    #[serde(default, deserialize_with = "group")]
    bucket: Option<OssBucket>,
    #[serde(default, deserialize_with = "group")]
    object: Option<OssObject>,
}

#[derive(Deserialize)]
struct OssBucket {
    #[serde(default, deserialize_with = "short")]
    name: Option<String>,
}

#[derive(Deserialize)]
struct OssObject {
    #[serde(default, deserialize_with = "short")]
    key: Option<String>,
    #[serde(default, rename = "eTag", deserialize_with = "short")]
    etag: Option<String>,
    #[serde(default)]
    size: Size,
}

impl Element {
    pub(super) fn into_change(self, keys: KeyEncoding) -> Result<ObjectChange, EventError> {
        let Some(oss) = self.oss else {
            return Err(EventError::new("oss", "missing"));
        };
        let Some(object) = oss.object else {
            return Err(EventError::new("oss.object", "missing"));
        };
        let key = match object.key {
            Some(key) if !key.is_empty() => {
                keys.decode(key).map_err(|error| error.inside("oss.object.key"))?
            }
            Some(_) => return Err(EventError::new("oss.object.key", "empty")),
            None => return Err(EventError::new("oss.object.key", "missing")),
        };
        Ok(ObjectChange {
            provider: Provider::Configured,
            bucket: oss.bucket.and_then(|bucket| bucket.name),
            event: EventName::new(self.event_name.unwrap_or_default()),
            event_time: self.event_time,
            etag: object.etag,
            size: object.size.0,
            ..ObjectChange::of_key(key)
        })
    }
}
