//! [`ObjectChange`]: the one type that every event source is turned into.

use std::cmp::Ordering;
use std::fmt;
use std::iter;

/// An object that was created, changed or removed, as its source reports it.
///
/// Everything but the key is optional: sources differ in what they report, and only the key is needed to
/// forward a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectChange {
    /// Where the object lies.
    pub provider: Provider,
    /// Bucket of the object.
    pub bucket: Option<String>,
    /// Object key, decoded once by the source's own rule and from then on kept byte for byte.
    pub key: String,
    /// What happened to the object.
    pub event: EventName,
    /// When it happened, as the source writes it: ISO 8601, UTC.
    pub event_time: Option<String>,
    /// `ETag` of the object, unquoted.
    pub etag: Option<String>,
    /// Size of the object in bytes.
    pub size: Option<u64>,
    /// Version of the object, in a bucket that keeps versions. Reported by Amazon S3 and COS.
    pub version_id: Option<String>,
    /// Place of this change among those of the same key in the same bucket: a hexadecimal number of any
    /// length, meaningless across keys. Amazon S3 reports it for creations and removals.
    pub sequencer: Option<String>,
    /// Where the object is read, if not in a bucket of the source: a URL without a query.
    pub url: Option<String>,
}

impl ObjectChange {
    /// A change of `key` with nothing else known, as for a key that is passed to `send`.
    pub fn of_key(key: impl Into<String>) -> Self {
        Self {
            provider: Provider::Configured,
            bucket: None,
            key: key.into(),
            event: EventName::default(),
            event_time: None,
            etag: None,
            size: None,
            version_id: None,
            sequencer: None,
            url: None,
        }
    }

    /// The effect of the event on the object.
    ///
    /// If a version was removed, the one before may be the object now. OSS has separate event names for that;
    /// Amazon S3 and COS report the version that was removed, which may be a delete marker. Without a version
    /// the object itself was removed.
    pub fn effect(&self) -> Effect {
        let effect = self.event.effect();
        let of_a_version = self.version_id.is_some() && self.event.as_str().ends_with(":Delete");
        if effect == Effect::Removed && of_a_version { Effect::VersionRemoved } else { effect }
    }

    /// How this change lies in time to another one of the same key, where their source says so.
    ///
    /// The rule of <https://repost.aws/knowledge-center/s3-duplicate-sqs-messages>: the shorter number is
    /// filled with zeros at its right, then they are compared from the left. Equal means that both report the
    /// same change.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        let (Some(own), Some(others)) = (&self.sequencer, &other.sequencer) else { return None };
        if self.key != other.key || self.bucket != other.bucket {
            return None;
        }
        let length = own.len().max(others.len());
        let digits =
            |text| str::bytes(text).chain(iter::repeat(b'0')).map(|digit| digit.to_ascii_uppercase());
        Some(digits(own).take(length).cmp(digits(others).take(length)))
    }
}

/// The service that an object lies in, as far as it matters for reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Provider {
    /// The one that the settings name: Alibaba Cloud OSS.
    #[default]
    Configured,
    /// Amazon S3.
    AmazonS3,
    /// Tencent COS.
    TencentCos,
}

impl Provider {
    /// The name as people know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Configured => "OSS",
            Self::AmazonS3 => "Amazon S3",
            Self::TencentCos => "Tencent COS",
        }
    }

    /// The name in records, for services other than the configured one.
    pub fn recorded(self) -> Option<&'static str> {
        match self {
            Self::Configured => None,
            Self::AmazonS3 => Some("s3"),
            Self::TencentCos => Some("cos"),
        }
    }

    /// The one that was recorded by that name.
    pub fn of_record(name: Option<&str>) -> Self {
        [Self::AmazonS3, Self::TencentCos].into_iter().find(|own| own.recorded() == name).unwrap_or_default()
    }
}

/// Name of an object event without its service prefix: `ObjectCreated:PutObject`.
///
/// An event without a name has the empty name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventName(String);

/// The effect of an event on its object, as far as forwarding is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The object exists now, or its content or metadata changed.
    Changed,
    /// The object was removed.
    Removed,
    /// A version of the object was removed. The one before it, or none, may be the object now: the source has
    /// to be checked.
    VersionRemoved,
    /// A step inside a multipart upload: there is no object yet.
    MultipartStep,
    /// There is nothing new to copy: tags, access, storage class or replication of the object changed, or an
    /// archived copy began to come back or went away again.
    Unaffected,
    /// The object was read.
    Read,
    /// A name this program does not know.
    Unknown,
}

impl EventName {
    /// Takes a name with or without the prefix of its service that trigger rules and CloudEvents carry:
    /// `oss:`, `s3:`, `cos:`.
    pub fn new(mut name: String) -> Self {
        if let Some(prefix) = ["oss:", "s3:", "cos:"].into_iter().find(|prefix| name.starts_with(prefix)) {
            name.drain(..prefix.len());
        }
        Self(name)
    }

    /// The name as recorded: `ObjectCreated:PutObject`, or empty.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The effect on the object, as far as the name shows it: see [`ObjectChange::effect`].
    pub fn effect(&self) -> Effect {
        Effect::of(&self.0)
    }

    /// Whether the object, or a version of it, was removed.
    pub fn is_removal(&self) -> bool {
        matches!(self.effect(), Effect::Removed | Effect::VersionRemoved)
    }
}

impl Effect {
    /// The effect of the event of that name, which has no service prefix.
    ///
    /// The list of names grows at the vendor's side, so the class before the colon decides and only the known
    /// exceptions are named. An event without a name counts as a change: a needless request is harmless, a
    /// lost change is not. Names:
    /// <https://www.alibabacloud.com/help/en/functioncompute/fc/user-guide/overview-of-oss-trigger>,
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html>,
    /// <https://www.tencentcloud.com/document/product/583/9707>.
    pub fn of(event: &str) -> Self {
        let (class, operation) = event.split_once(':').unwrap_or((event, ""));
        match (class, operation) {
            (_, "InitiateMultipartUpload" | "UploadPart" | "UploadPartCopy" | "AbortMultipartUpload") => {
                Effect::MultipartStep
            }
            ("ObjectRemoved", "DeleteObjectVersion" | "DeleteObjectVersions") => Effect::VersionRemoved,
            ("ObjectReplication", "ObjectRemoved")
            | ("ObjectRemoved" | "ObjectRemovedGroup" | "ObjectRemove" | "LifecycleExpiration", _) => {
                Effect::Removed
            }
            // Of a restore only its end leaves something behind that can be read.
            ("ObjectRestore", "Post" | "Delete")
            | (
                "ObjectTagging"
                | "ObjectAcl"
                | "ObjectRetention"
                | "ObjectAnnotation"
                | "Replication"
                | "LifecycleTransition"
                | "IntelligentTiering"
                | "ReducedRedundancyLostObject",
                _,
            ) => Effect::Unaffected,
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
            "s3:ObjectCreated:Put",
            "ObjectCreated:POST Object",
            "ObjectRestore:Completed",
            "cos:ObjectCreated:Origin",
            "cos:ObjectCreated:*",
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
        assert_eq!(effect("s3:ObjectRemoved:DeleteMarkerCreated"), Effect::Removed);
        assert_eq!(effect("LifecycleExpiration:Delete"), Effect::Removed);
        assert_eq!(effect("cos:ObjectRemove:DeleteMarkerCreated"), Effect::Removed);
        assert_eq!(effect("ObjectDownloaded:GetObject"), Effect::Read);
        assert_eq!(effect("Something:Else"), Effect::Unknown);
    }

    #[test]
    fn a_version_that_is_removed_is_told_from_an_object() {
        let change = |name: &str, version: Option<&str>| ObjectChange {
            event: EventName::new(name.to_owned()),
            version_id: version.map(str::to_owned),
            ..ObjectChange::of_key("k")
        };
        for name in ["s3:ObjectRemoved:Delete", "cos:ObjectRemove:Delete", "LifecycleExpiration:Delete"] {
            assert_eq!(change(name, Some("v1")).effect(), Effect::VersionRemoved, "{name}");
            assert_eq!(change(name, None).effect(), Effect::Removed, "{name}");
        }
        for name in ["oss:ObjectRemoved:DeleteObjectVersion", "oss:ObjectRemoved:DeleteObjectVersions"] {
            assert_eq!(change(name, None).effect(), Effect::VersionRemoved, "{name}");
        }
        // The marker is the newest version: there is no object any more.
        assert_eq!(change("s3:ObjectRemoved:DeleteMarkerCreated", Some("v2")).effect(), Effect::Removed);
        assert_eq!(change("s3:ObjectCreated:Put", Some("v3")).effect(), Effect::Changed);
    }

    #[test]
    fn names_that_leave_the_content_as_it_was_are_not() {
        for name in [
            "ObjectRestore:Post",
            "ObjectRestore:Delete",
            "cos:ObjectRestore:Post",
            "ObjectTagging:Put",
            "ObjectTagging:Delete",
            "ObjectAcl:Put",
            "ObjectRetention:Put",
            "ObjectAnnotation:Delete",
            "Replication:OperationFailedReplication",
            "LifecycleTransition",
            "IntelligentTiering",
            "s3:ReducedRedundancyLostObject",
        ] {
            assert_eq!(effect(name), Effect::Unaffected, "{name}");
        }
    }

    #[test]
    fn the_prefix_of_trigger_rules_is_dropped() {
        for name in
            ["oss:ObjectCreated:PutObject", "s3:ObjectCreated:PutObject", "cos:ObjectCreated:PutObject"]
        {
            assert_eq!(EventName::new(name.to_owned()).as_str(), "ObjectCreated:PutObject");
        }
    }

    fn numbered(sequencer: &str) -> ObjectChange {
        ObjectChange { sequencer: Some(sequencer.to_owned()), ..ObjectChange::of_key("k") }
    }

    #[test]
    fn sequencers_are_compared_as_if_filled_with_zeros_at_the_right() {
        for (older, newer) in [
            ("0055AED6DCD9", "0055AED6DCD90281E5"),
            ("00FF", "01"),
            ("9", "A"),
            ("617f08299329d189", "617F0837B476E463"),
            ("", "1"),
        ] {
            assert_eq!(numbered(older).order(&numbered(newer)), Some(Ordering::Less), "{older} {newer}");
            assert_eq!(numbered(newer).order(&numbered(older)), Some(Ordering::Greater), "{newer} {older}");
        }
        for (one, other) in [("00FF", "00FF"), ("00FF", "00FF00"), ("00ff", "00FF"), ("", "0")] {
            assert_eq!(numbered(one).order(&numbered(other)), Some(Ordering::Equal), "{one} {other}");
        }
    }

    #[test]
    fn sequencers_say_nothing_across_keys_and_buckets() {
        let one = numbered("01");
        assert_eq!(one.order(&ObjectChange::of_key("k")), None);
        assert_eq!(one.order(&ObjectChange { key: "l".into(), ..numbered("02") }), None);
        assert_eq!(one.order(&ObjectChange { bucket: Some("b".into()), ..numbered("02") }), None);
    }
}
