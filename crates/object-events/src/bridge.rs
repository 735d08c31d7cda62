//! Events of Amazon S3 as EventBridge delivers them.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html>. The kinds of events have names of
//! their own here; they are turned into those of notifications. Unlike there, keys are not encoded.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::s3::{S3Bucket, check_major};
use super::size::Size;
use super::stream::{group, members, optional_text, short, text};
use super::{EventError, KeyEncoding};
use crate::change::{EventName, ObjectChange, Provider};

/// The major version of `detail` that is understood. A detail without one is of before versions.
const MAJOR: &str = "1";

/// The members of the envelope that matter.
pub(super) struct Envelope<'a> {
    pub(super) source: Option<&'a RawValue>,
    pub(super) detail_type: &'a RawValue,
    pub(super) time: Option<&'a RawValue>,
    pub(super) detail: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Detail {
    #[serde(default, deserialize_with = "short")]
    event_version: Option<String>,
    #[serde(default, deserialize_with = "group")]
    bucket: Option<S3Bucket>,
    #[serde(default, deserialize_with = "group")]
    object: Option<BridgeObject>,
    #[serde(default, deserialize_with = "short")]
    reason: Option<String>,
    #[serde(default, deserialize_with = "short")]
    deletion_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct BridgeObject {
    #[serde(default, deserialize_with = "short")]
    key: Option<String>,
    #[serde(default)]
    size: Size,
    #[serde(default, deserialize_with = "short")]
    etag: Option<String>,
    #[serde(default, deserialize_with = "short")]
    version_id: Option<String>,
    #[serde(default, deserialize_with = "short")]
    sequencer: Option<String>,
}

impl Envelope<'_> {
    pub(super) fn into_change(self, keys: KeyEncoding) -> Result<ObjectChange, EventError> {
        let source = optional_text("source", self.source)?.unwrap_or_default();
        if source != "aws.s3" {
            return Err(EventError::new("source", format!("{source:?} is not \"aws.s3\"")));
        }
        let detail_type = text(self.detail_type).map_err(|error| error.inside("detail-type"))?;
        if detail_type.ends_with("via CloudTrail") {
            return Err(EventError::new(
                "detail-type",
                format!(
                    "{detail_type:?} tells of requests, not of objects; let the rule match \"Object Created\""
                ),
            ));
        }
        let time = optional_text("time", self.time)?;
        let detail: Detail = members(self.detail.get()).map_err(|error| error.inside("detail"))?;
        detail.into_change(&detail_type, time, keys).map_err(|error| error.inside("detail"))
    }
}

impl Detail {
    fn into_change(
        self,
        detail_type: &str,
        event_time: Option<String>,
        keys: KeyEncoding,
    ) -> Result<ObjectChange, EventError> {
        check_major(self.event_version.as_deref(), MAJOR).map_err(|error| error.inside("event-version"))?;
        let event = EventName::new(self.name(detail_type));
        let bucket = S3Bucket::name(self.bucket)?;
        let Some(object) = self.object else {
            return Err(EventError::new("object", "missing"));
        };
        let key = match object.key {
            Some(key) if !key.is_empty() => keys.decode(key).map_err(|error| error.inside("object.key"))?,
            Some(_) => return Err(EventError::new("object.key", "empty")),
            None => return Err(EventError::new("object.key", "missing")),
        };
        Ok(ObjectChange {
            provider: Provider::AmazonS3,
            bucket: Some(bucket),
            key,
            event,
            event_time,
            etag: object.etag,
            size: object.size.0,
            version_id: object.version_id,
            sequencer: object.sequencer,
            url: None,
        })
    }

    /// The name that the event has in notifications; one without counterpart keeps its own.
    fn name(&self, detail_type: &str) -> String {
        let name = match detail_type {
            "Object Created" => {
                return self
                    .reason
                    .as_ref()
                    .map_or_else(|| "ObjectCreated".to_owned(), |reason| format!("ObjectCreated:{reason}"));
            }
            "Object Deleted" => match (self.reason.as_deref(), self.deletion_type.as_deref()) {
                (Some("Lifecycle Expiration"), Some("Delete Marker Created")) => {
                    "LifecycleExpiration:DeleteMarkerCreated"
                }
                (Some("Lifecycle Expiration"), _) => "LifecycleExpiration:Delete",
                (_, Some("Delete Marker Created")) => "ObjectRemoved:DeleteMarkerCreated",
                _ => "ObjectRemoved:Delete",
            },
            "Object Restore Initiated" => "ObjectRestore:Post",
            "Object Restore Completed" => "ObjectRestore:Completed",
            "Object Restore Expired" => "ObjectRestore:Delete",
            "Object Tags Added" => "ObjectTagging:Put",
            "Object Tags Deleted" => "ObjectTagging:Delete",
            "Object ACL Updated" => "ObjectAcl:Put",
            "Object Storage Class Changed" => "LifecycleTransition",
            "Object Access Tier Changed" => "IntelligentTiering",
            other => other,
        };
        name.to_owned()
    }
}
