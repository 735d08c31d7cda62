//! Which buckets events are taken from.
//!
//! Three rules. An event that breaks one is refused as a whole: its sender keeps it, so nothing is lost until
//! the error is noticed.
//!
//! - The log bucket never: each record would become an event, and that event a record.
//! - Where a source bucket is configured, from there only: keys carry no bucket on their way, so a change of
//!   another bucket would copy, or remove, an object of the same key.
//! - Where copies are written, from there never: the destination would lie inside its source. Settings that
//!   name both are refused at the start; without `SOURCE_BUCKET` it shows in the event. Objects under `DEST`
//!   are copies, and are skipped instead.
//!
//! A bucket is identified by its service and its name. The name alone is not enough: Amazon S3, COS and OSS
//! each have their own names.

use thiserror::Error;

use object_events::change::{ObjectChange, Provider};

/// The buckets that events may and may not come from.
#[derive(Debug, Default)]
pub(super) struct Guard {
    log_bucket: Option<String>,
    source: Option<(Provider, String)>,
    destination: Option<Written>,
}

/// Where copies are written, when events can come from there.
#[derive(Debug)]
struct Written {
    bucket: String,
    prefix: String,
}

impl Written {
    /// Whether copies are written under this key.
    fn holds(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
    }
}

/// Why events are refused. User action: see the text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// The event comes from the log bucket: forwarding it would make the function process its own records.
    #[error(
        "loop guard: the event for key {key:?} comes from the log bucket {bucket:?}; LOG_BUCKET must not be a source \
         bucket, remove the trigger from it"
    )]
    Loop {
        /// The log bucket.
        bucket: String,
        /// Key of the event.
        key: String,
    },
    /// The event comes from another bucket than the configured source.
    #[error(
        "source guard: the event for key {key:?} comes from the bucket {bucket:?} of {}, and SOURCE_BUCKET is {:?} of {}; \
         remove the trigger from the other bucket, or correct or unset SOURCE_BUCKET",
        provider.name(),
        source_bucket.1,
        source_bucket.0.name()
    )]
    OtherSource {
        /// Service of the event's bucket.
        provider: Provider,
        /// Bucket of the event.
        bucket: String,
        /// Key of the event.
        key: String,
        /// The configured source: its service and its name.
        source_bucket: (Provider, String),
    },
    /// The event comes from the bucket that copies are written to, but is not about a copy: the destination
    /// lies inside its source.
    #[error(
        "destination guard: the event for key {key:?} comes from the bucket {bucket:?}, in which DEST lies: the copies would \
         be objects to copy, too; remove the trigger from it, or have DEST in another bucket"
    )]
    Destination {
        /// That bucket.
        bucket: String,
        /// Key of the event.
        key: String,
    },
}

impl Refused {
    /// The type of the error, as hosts report it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Loop { .. } => "LoopDetected",
            Self::OtherSource { .. } => "OtherSource",
            Self::Destination { .. } => "DestinationInSource",
        }
    }
}

impl Guard {
    pub(super) fn refuse_log_bucket(&mut self, bucket: String) {
        self.log_bucket = Some(bucket);
    }

    pub(super) fn take_only(&mut self, provider: Provider, bucket: String) {
        self.source = Some((provider, bucket));
    }

    pub(super) fn refuse_destination(&mut self, bucket: String, prefix: String) {
        self.destination = Some(Written { bucket, prefix });
    }

    /// Whether the object lies where copies are written.
    pub(super) fn is_own_copy(&self, change: &ObjectChange) -> bool {
        self.in_destination(change).is_some_and(|written| written.holds(&change.key))
    }

    fn in_destination(&self, change: &ObjectChange) -> Option<&Written> {
        let written = self.destination.as_ref()?;
        let is = change.provider == Provider::Configured && change.bucket.as_ref() == Some(&written.bucket);
        is.then_some(written)
    }

    pub(super) fn source(&self) -> Option<&(Provider, String)> {
        self.source.as_ref()
    }

    /// Looks for a change that must not be forwarded. One without a bucket, or that is read from a URL, comes
    /// from no event.
    pub(super) fn check(&self, changes: &[ObjectChange]) -> Result<(), Refused> {
        changes.iter().try_for_each(|change| self.check_one(change))
    }

    fn check_one(&self, change: &ObjectChange) -> Result<(), Refused> {
        let (Some(bucket), None) = (&change.bucket, &change.url) else { return Ok(()) };
        let is = |provider: Provider, own: &String| change.provider == provider && own == bucket;
        if self.log_bucket.as_ref().is_some_and(|own| is(Provider::Configured, own)) {
            return Err(Refused::Loop { bucket: bucket.clone(), key: change.key.clone() });
        }
        if self.in_destination(change).is_some_and(|written| !written.holds(&change.key)) {
            return Err(Refused::Destination { bucket: bucket.clone(), key: change.key.clone() });
        }
        match &self.source {
            Some(source) if !is(source.0, &source.1) => Err(Refused::OtherSource {
                provider: change.provider,
                bucket: bucket.clone(),
                key: change.key.clone(),
                source_bucket: source.clone(),
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(provider: Provider, bucket: &str) -> ObjectChange {
        ObjectChange { provider, bucket: Some(bucket.into()), ..ObjectChange::of_key("k") }
    }

    fn checked(guard: &Guard, change: ObjectChange) -> Option<&'static str> {
        guard.check(&[ObjectChange::of_key("first"), change]).err().map(|refused| refused.kind())
    }

    #[test]
    fn the_log_bucket_is_one_of_its_own_service_only() {
        let mut guard = Guard::default();
        guard.refuse_log_bucket("logs".into());
        assert_eq!(checked(&guard, change(Provider::Configured, "logs")), Some("LoopDetected"));
        for provider in [Provider::AmazonS3, Provider::TencentCos] {
            assert_eq!(checked(&guard, change(provider, "logs")), None);
        }
        assert_eq!(checked(&guard, change(Provider::Configured, "other")), None);
        assert_eq!(checked(&Guard::default(), change(Provider::Configured, "logs")), None);
    }

    #[test]
    fn a_configured_source_is_the_only_one_of_all_services() {
        let mut guard = Guard::default();
        guard.take_only(Provider::Configured, "photos".into());
        assert_eq!(checked(&guard, change(Provider::Configured, "photos")), None);
        assert_eq!(checked(&guard, ObjectChange::of_key("by hand")), None);
        for other in [
            change(Provider::Configured, "photos2"),
            change(Provider::AmazonS3, "photos"),
            change(Provider::TencentCos, "photos"),
        ] {
            assert_eq!(checked(&guard, other.clone()), Some("OtherSource"), "{other:?}");
        }
        let mut on_s3 = Guard::default();
        on_s3.take_only(Provider::AmazonS3, "photos".into());
        assert_eq!(checked(&on_s3, change(Provider::AmazonS3, "photos")), None);
        assert_eq!(checked(&on_s3, change(Provider::Configured, "photos")), Some("OtherSource"));
        let url = Some("https://example.com/k".to_owned());
        assert_eq!(checked(&guard, ObjectChange { url, ..change(Provider::Configured, "web") }), None);
    }

    #[test]
    fn the_error_names_both_buckets_their_services_and_the_setting() {
        let mut guard = Guard::default();
        guard.take_only(Provider::Configured, "photos".into());
        let error = guard.check(&[change(Provider::AmazonS3, "pictures")]).unwrap_err().to_string();
        for part in ["\"pictures\" of Amazon S3", "SOURCE_BUCKET is \"photos\" of OSS", "\"k\""] {
            assert!(error.contains(part), "{error}");
        }
    }
}
