//! One element of an OSS event, in the native form.
//!
//! <https://www.alibabacloud.com/help/en/functioncompute/fc/formats-of-event-for-different-triggers-1>. Every leaf is
//! optional at the vendor's side; numbers have been documented as strings. Only what forwarding needs is read.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{EventError, KeyEncoding};
use crate::change::{EventName, ObjectChange};

#[derive(Deserialize)]
pub(super) struct Element {
    #[serde(rename = "eventName")]
    pub(super) event_name: Option<String>,
    #[serde(rename = "eventTime")]
    pub(super) event_time: Option<String>,
    pub(super) oss: Option<Oss>,
}

#[derive(Deserialize)]
pub(super) struct Oss {
    bucket: Option<Bucket>,
    object: Option<Object>,
}

#[derive(Deserialize)]
struct Bucket {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Object {
    key: Option<String>,
    #[serde(rename = "eTag")]
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
            Some(key) if !key.is_empty() => decode(key, keys)?,
            Some(_) => return Err(EventError::new("oss.object.key", "empty")),
            None => return Err(EventError::new("oss.object.key", "missing")),
        };
        Ok(ObjectChange {
            bucket: oss.bucket.and_then(|bucket| bucket.name),
            key,
            event: EventName::new(self.event_name.unwrap_or_default()),
            event_time: self.event_time,
            etag: object.etag,
            size: object.size.0,
        })
    }
}

fn decode(key: String, keys: KeyEncoding) -> Result<String, EventError> {
    match keys {
        KeyEncoding::Raw => Ok(key),
        KeyEncoding::Percent => match percent_decode_str(&key).decode_utf8() {
            Ok(Cow::Borrowed(_)) => Ok(key),
            Ok(Cow::Owned(decoded)) => Ok(decoded),
            Err(_) => Err(EventError::new("oss.object.key", "not UTF-8 once percent-decoded")),
        },
    }
}

/// A size, where it can be read as one. It is only recorded, so a strange one is no reason to lose the event.
#[derive(Default)]
struct Size(Option<u64>);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lenient;
        impl<'de> Visitor<'de> for Lenient {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size")
            }
            fn visit_u64<E>(self, size: u64) -> Result<Size, E> {
                Ok(Size(Some(size)))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Size, E> {
                Ok(Size(None))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Size, E> {
                Ok(Size(None))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Size, E> {
                Ok(Size(None))
            }
            fn visit_str<E>(self, size: &str) -> Result<Size, E> {
                Ok(Size(size.parse().ok()))
            }
            fn visit_unit<E>(self) -> Result<Size, E> {
                Ok(Size(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Size, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Size(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Size, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Size(None))
            }
        }
        deserializer.deserialize_any(Lenient)
    }
}
