//! Events of Tencent Cloud COS, as its functions receive them.
//!
//! <https://www.tencentcloud.com/document/product/583/9707>. A key arrives as `/<appid>/<bucket>/<key>`, and
//! a bucket without the appid that its name ends with everywhere else. The vendor does not say whether keys
//! are encoded; its current samples hand them to its SDK as they are.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::size::Size;
use super::stream::{group, short, text};
use super::{EventError, KeyEncoding};
use crate::change::{EventName, ObjectChange, Provider};

/// The member `cos` of a record.
#[derive(Deserialize)]
pub(super) struct CosEntity {
    #[serde(default, rename = "cosBucket", deserialize_with = "group")]
    bucket: Option<CosBucket>,
    #[serde(default, rename = "cosObject", deserialize_with = "group")]
    object: Option<CosObject>,
}

#[derive(Deserialize)]
struct CosBucket {
    #[serde(default, deserialize_with = "short")]
    name: Option<String>,
    #[serde(default, deserialize_with = "short")]
    appid: Option<String>,
}

#[derive(Deserialize)]
struct CosObject {
    #[serde(default, deserialize_with = "short")]
    key: Option<String>,
    #[serde(default)]
    size: Size,
    #[serde(default, rename = "vid", deserialize_with = "short")]
    version_id: Option<String>,
    #[serde(default, deserialize_with = "group")]
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default, rename = "ETag", deserialize_with = "short")]
    etag: Option<String>,
}

/// The member `event` of a record.
#[derive(Default, Deserialize)]
pub(super) struct CosEventInfo<'a> {
    #[serde(default, rename = "eventName", deserialize_with = "short")]
    name: Option<String>,
    #[serde(borrow, rename = "eventTime")]
    time: Option<&'a RawValue>,
}

impl CosEntity {
    pub(super) fn into_change(
        self,
        occasion: Option<CosEventInfo<'_>>,
        keys: KeyEncoding,
    ) -> Result<ObjectChange, EventError> {
        let occasion = occasion.unwrap_or_default();
        let Some(object) = self.object else {
            return Err(EventError::new("cos.cosObject", "missing"));
        };
        let Some(path) = object.key else {
            return Err(EventError::new("cos.cosObject.key", "missing"));
        };
        let place = CosPath::of(&path, self.bucket).map_err(|error| error.inside("cos.cosObject.key"))?;
        let key = keys.decode(place.key.to_owned()).map_err(|error| error.inside("cos.cosObject.key"))?;
        Ok(ObjectChange {
            provider: Provider::TencentCos,
            bucket: Some(place.bucket()),
            event: EventName::new(occasion.name.unwrap_or_default()),
            event_time: occasion.time.map(time).transpose()?.flatten(),
            etag: object.meta.and_then(|meta| meta.etag).map(|etag| etag.trim_matches('"').to_owned()),
            size: object.size.0,
            version_id: object.version_id.filter(|version| !version.is_empty()),
            ..ObjectChange::of_key(key)
        })
    }
}

/// `/<appid>/<bucket>/<key>`, taken apart.
struct CosPath<'a> {
    appid: &'a str,
    bucket: &'a str,
    key: &'a str,
}

impl<'a> CosPath<'a> {
    fn of(path: &'a str, bucket: Option<CosBucket>) -> Result<Self, EventError> {
        let parts = path.strip_prefix('/').and_then(|path| {
            let (appid, path) = path.split_once('/')?;
            let (bucket, key) = path.split_once('/')?;
            Some(Self { appid, bucket, key })
        });
        let (name, appid) = bucket.map_or((None, None), |bucket| (bucket.name, bucket.appid));
        let as_told = |told: Option<String>, found: &str| told.is_none_or(|told| told == found);
        match parts {
            Some(parts) if parts.key.is_empty() => Err(EventError::new("", "empty")),
            Some(parts) if as_told(name, parts.bucket) && as_told(appid, parts.appid) => Ok(parts),
            _ => Err(EventError::new("", "does not begin with /<appid>/<bucket>/ of cosBucket")),
        }
    }

    /// The name that the bucket goes by in requests.
    fn bucket(&self) -> String {
        format!("{}-{}", self.bucket, self.appid)
    }
}

/// Seconds since 1970; the first pages of the documentation print a text.
fn time(value: &RawValue) -> Result<Option<String>, EventError> {
    match value.get().parse() {
        Ok(seconds) => Ok(DateTime::<Utc>::from_timestamp(seconds, 0)
            .map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true))),
        Err(_) => text(value).map(Some).map_err(|error| error.inside("event.eventTime")),
    }
}
