//! [`ObjectChange`]: the one type that every event source is turned into.

use std::fmt;

/// An object that now exists, changed or vanished, as its source told us.
///
/// Everything but the key is optional: sources differ in what they say, and nothing but the key is needed to
/// forward a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectChange {
    /// Bucket of the object.
    pub bucket: Option<String>,
    /// Object key, decoded once by the source's own rule and from then on kept byte for byte.
    pub key: String,
    /// What happened to the object.
    pub event: EventName,
    /// When it happened, in the source's own words (ISO 8601 UTC for OSS).
    pub event_time: Option<String>,
    /// `ETag` of the object, unquoted.
    pub etag: Option<String>,
    /// Size of the object in bytes.
    pub size: Option<u64>,
}

impl ObjectChange {
    /// A change of `key` of which nothing else is known: what `send` makes of a key it is handed.
    pub fn of_key(key: impl Into<String>) -> Self {
        Self {
            bucket: None,
            key: key.into(),
            event: EventName::default(),
            event_time: None,
            etag: None,
            size: None,
        }
    }
}

/// Name of an object event without its service prefix: `ObjectCreated:PutObject`.
///
/// An event without a name has the empty name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventName(String);

/// What an event says about the object, as far as forwarding is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The object exists now, or its content or metadata changed.
    Changed,
    /// The object, or a version of it, was removed.
    Removed,
    /// A step inside a multipart upload: there is no object yet.
    MultipartStep,
    /// The object was read.
    Read,
    /// A name this program does not know.
    Unknown,
}

impl EventName {
    /// Takes a name with or without the `oss:` prefix that trigger rules and CloudEvents carry.
    pub fn new(mut name: String) -> Self {
        if name.starts_with("oss:") {
            name.drain(.."oss:".len());
        }
        Self(name)
    }

    /// The name as recorded: `ObjectCreated:PutObject`, or empty.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the event says about the object.
    pub fn effect(&self) -> Effect {
        Effect::of(&self.0)
    }
}

impl Effect {
    /// What the event of that name, without its service prefix, says about the object.
    ///
    /// The list of names grows at the vendor's side, so the class before the colon decides and only the known
    /// exceptions are named. An event without a name counts as a change: a needless request is harmless, a lost change
    /// is not. Names: <https://www.alibabacloud.com/help/en/functioncompute/fc/user-guide/overview-of-oss-trigger>.
    pub fn of(event: &str) -> Self {
        let (class, operation) = event.split_once(':').unwrap_or((event, ""));
        match (class, operation) {
            (_, "InitiateMultipartUpload" | "UploadPart" | "UploadPartCopy" | "AbortMultipartUpload") => {
                Effect::MultipartStep
            }
            ("ObjectReplication", "ObjectRemoved") | ("ObjectRemoved" | "ObjectRemovedGroup", _) => {
                Effect::Removed
            }
            ("ObjectDownloaded" | "ObjectDownloadedGroup", _) => Effect::Read,
            (
                "" | "ObjectCreated" | "ObjectCreatedGroup" | "ObjectModified" | "ObjectReplication"
                | "ObjectRestore",
                _,
            ) => Effect::Changed,
            _ => Effect::Unknown,
        }
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "unnamed event" } else { &self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(name: &str) -> Effect {
        EventName::new(name.to_owned()).effect()
    }

    #[test]
    fn names_that_leave_an_object_behind_are_changes() {
        for name in [
            "ObjectCreated:PutObject",
            "oss:ObjectCreated:PostObject",
            "ObjectCreated:CopyObject",
            "ObjectCreated:CompleteMultipartUpload",
            "ObjectCreated:AppendObject",
            "ObjectCreated:PutSymlink",
            "ObjectModified:UpdateObjectMeta",
            "ObjectReplication:ObjectCreated",
            "oss:ObjectReplication:ObjectModified",
            "ObjectRestore:FinishRestore",
            "ObjectCreatedGroup",
            "ObjectCreated:SomethingNew",
            "",
        ] {
            assert_eq!(effect(name), Effect::Changed, "{name}");
        }
    }

    #[test]
    fn names_that_leave_no_object_behind_are_not() {
        assert_eq!(effect("ObjectCreated:UploadPart"), Effect::MultipartStep);
        assert_eq!(effect("ObjectCreated:UploadPartCopy"), Effect::MultipartStep);
        assert_eq!(effect("oss:ObjectCreated:InitiateMultipartUpload"), Effect::MultipartStep);
        assert_eq!(effect("ObjectRemoved:AbortMultipartUpload"), Effect::MultipartStep);
        assert_eq!(effect("ObjectRemoved:DeleteObject"), Effect::Removed);
        assert_eq!(effect("ObjectRemovedGroup"), Effect::Removed);
        assert_eq!(effect("ObjectReplication:ObjectRemoved"), Effect::Removed);
        assert_eq!(effect("ObjectDownloaded:GetObject"), Effect::Read);
        assert_eq!(effect("Something:Else"), Effect::Unknown);
    }

    #[test]
    fn the_prefix_of_trigger_rules_is_dropped() {
        assert_eq!(
            EventName::new("oss:ObjectCreated:PutObject".to_owned()).as_str(),
            "ObjectCreated:PutObject"
        );
    }
}
