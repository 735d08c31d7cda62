//! Whose records count: those of one source and one destination.
//!
//! One log bucket may hold the records of several functions, and those of earlier settings. A record names
//! the bucket that its object lies in, and the destination where the settings do. What it does not name, as
//! markers of the vendor and records of earlier versions, may be any.

use super::name::{Origin, origin};
use super::record::Record;
use object_events::change::Provider;

/// The source and the destination of the settings, as far as they name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    source: Option<(Provider, String)>,
    destination: Option<String>,
}

impl Pair {
    /// From this bucket, if it is the only one that changes are taken from, to this place
    /// (`obs://mirror/2024/`).
    pub fn new(source: Option<(Provider, String)>, destination: Option<String>) -> Self {
        Self { source, destination }
    }

    /// The same destination, and objects of this bucket.
    #[must_use]
    pub fn with_source(&self, source: (Provider, String)) -> Self {
        Self { source: Some(source), ..self.clone() }
    }

    /// Where objects go, if the settings name it.
    pub fn destination(&self) -> Option<&str> {
        self.destination.as_deref()
    }

    /// Whether a record is about an object on its way between the two, as far as it says. Objects at a URL
    /// come from no bucket, and go to the destination.
    pub fn has(&self, record: &Record) -> bool {
        let same_source = match (&self.source, &record.bucket) {
            (Some((provider, bucket)), Some(named)) if record.url.is_none() => {
                record.provider() == *provider && bucket == named
            }
            _ => true,
        };
        let destinations = self.destination.as_ref().zip(record.destination.as_ref());
        same_source && destinations.is_none_or(|(own, named)| own == named)
    }

    /// Whether a record of this origin may be about an object of the source bucket.
    pub(super) fn may_be_from(&self, other: Origin) -> bool {
        let Some((provider, bucket)) = &self.source else { return true };
        // Keys that were handed over, and those of `send`, name no bucket.
        let nowhere = [Provider::Configured, *provider].map(|provider| origin(provider, None, None));
        nowhere.contains(&other) || other == origin(*provider, Some(bucket), None)
    }
}

impl Record {
    /// The same, on its way to the destination of `pair`, if that names one.
    #[must_use]
    pub(super) fn going_to(self, pair: &Pair) -> Self {
        let destination = pair.destination.clone().or(self.destination);
        Self { destination, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(bucket: Option<&str>, destination: Option<&str>) -> Record {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Record { bucket: text(bucket), destination: text(destination), ..Record::default() }
    }

    fn pair() -> Pair {
        Pair::new(Some((Provider::Configured, "photos".to_owned())), Some("obs://mirror/".to_owned()))
    }

    #[test]
    fn a_record_counts_unless_it_names_another_source_or_destination() {
        let own = [Some("photos"), None];
        let to = [Some("obs://mirror/"), None];
        for (bucket, destination) in own.into_iter().flat_map(|bucket| to.map(|to| (bucket, to))) {
            assert!(pair().has(&record(bucket, destination)), "{bucket:?} {destination:?}");
        }
        assert!(!pair().has(&record(Some("other"), None)));
        assert!(!pair().has(&record(Some("photos"), Some("obs://other/"))));
        let elsewhere = Record { provider: Some("s3".to_owned()), ..record(Some("photos"), None) };
        assert!(!pair().has(&elsewhere), "a bucket of the same name at another service");
        let of_the_web = Record { url: Some("https://example.com/a".to_owned()), ..record(None, None) };
        assert!(pair().has(&of_the_web));
        assert!(Pair::default().has(&record(Some("other"), Some("obs://other/"))), "nothing is known");
    }

    #[test]
    fn origins_of_other_buckets_are_told_by_the_name() {
        let of = |bucket| origin(Provider::Configured, bucket, None);
        assert!(pair().may_be_from(of(Some("photos"))) && pair().may_be_from(of(None)));
        assert!(!pair().may_be_from(of(Some("other"))));
        assert!(!pair().may_be_from(origin(Provider::Configured, None, Some("https://example.com/a"))));
        assert!(Pair::default().may_be_from(of(Some("other"))));
    }
}
