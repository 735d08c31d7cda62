//! Which changes are forwarded: event names, `INCLUDE` and `EXCLUDE`, which buckets, each key once.

mod glob;
mod guard;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

pub use self::glob::BadGlob;
use self::glob::Globs;
use self::guard::Guard;
pub use self::guard::Refused;
use object_events::change::{Effect, ObjectChange, Provider};

/// Decides which changes are forwarded. Knows neither engine nor journal.
#[derive(Debug)]
pub struct Policy {
    guard: Guard,
    keys: KeyFilter,
    removals: bool,
    removed_versions: bool,
}

/// Why a change is not forwarded. It is no failure: there is nothing to forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The event does not leave an object behind.
    Effect(Effect),
    /// `EXCLUDE` matches the key, or `INCLUDE` does not.
    Filtered,
    /// Another change of the same object in the same invocation is forwarded in its place.
    Duplicate {
        /// The index of that change among those of the call.
        of: usize,
    },
    /// The object lies where copies are written to.
    OwnCopy,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Effect(Effect::Removed) => "the object was removed",
            Self::Effect(Effect::MultipartStep) => "a step inside a multipart upload",
            Self::Effect(Effect::Unaffected) => "the content of the object is unchanged",
            Self::Effect(Effect::Read) => "the object was only read",
            Self::Effect(Effect::VersionRemoved) => "a version of the object was removed",
            Self::Effect(Effect::Unknown | Effect::Changed) => "the event name is unknown to this version",
            Self::Filtered => "the key is filtered out by INCLUDE or EXCLUDE",
            Self::Duplicate { .. } => "another change of the same object in this event is forwarded instead",
            Self::OwnCopy => "the object lies under DEST, where copies are written to",
        })
    }
}

/// The changes of one invocation as [`Policy::sort`] has sorted them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sorted {
    /// To be forwarded, each object once, with its place among the changes of the invocation.
    pub forward: Vec<(usize, Arc<ObjectChange>)>,
    /// Not forwarded, and why.
    pub skipped: Vec<(usize, Arc<ObjectChange>, Skip)>,
}

impl Policy {
    /// A policy that forwards what `keys` lets through, from any bucket.
    pub fn new(keys: KeyFilter) -> Self {
        Self { guard: Guard::default(), keys, removals: false, removed_versions: false }
    }

    /// The same policy, which refuses events of the log bucket. For a log bucket that the source's service
    /// has: one of the same name elsewhere is another.
    #[must_use]
    pub fn refusing_log_bucket(mut self, bucket: impl Into<String>) -> Self {
        self.guard.refuse_log_bucket(bucket.into());
        self
    }

    /// The same policy, which refuses events of every bucket but this one.
    #[must_use]
    pub fn taking_only(mut self, provider: Provider, bucket: impl Into<String>) -> Self {
        self.guard.take_only(provider, bucket.into());
        self
    }

    /// The same policy, with removals forwarded as well.
    #[must_use]
    pub fn forwarding_removals(self) -> Self {
        Self { removals: true, ..self }
    }

    /// The same policy, with removals of versions forwarded, whatever becomes of removals of objects. That is
    /// for engines that look which version is the object then: OMS takes it for granted that there is one.
    #[must_use]
    pub fn forwarding_removed_versions(self) -> Self {
        Self { removed_versions: true, ..self }
    }

    /// The same policy, for copies that are written to `bucket` with `prefix` before their keys: each raises
    /// an event of its own, which is left out. Events of other objects of that bucket are refused.
    #[must_use]
    pub fn writing_to(mut self, bucket: impl Into<String>, prefix: impl Into<String>) -> Self {
        self.guard.refuse_destination(bucket.into(), prefix.into());
        self
    }

    /// Sorts the changes of one invocation.
    ///
    /// Of several changes of one object the latest counts: the copy reads the object as it is when it runs,
    /// so one request serves them all. Where the source numbers its changes ([`ObjectChange::order`]), the
    /// highest number is the latest; elsewhere the last in the invocation is, but a removal counts before any
    /// other: events come in no order, and only what is done about a removal looks at the source first, and
    /// then copies or removes.
    ///
    /// # Errors
    ///
    /// [`Refused`] when any of them comes from a bucket that it must not come from; nothing must be sent
    /// then.
    pub fn sort(&self, changes: Vec<ObjectChange>) -> Result<Sorted, Refused> {
        self.guard(&changes)?;
        Ok(self.sort_guarded(changes))
    }

    /// Which keys are forwarded.
    pub fn keys(&self) -> &KeyFilter {
        &self.keys
    }

    /// The one bucket that changes are taken from, if there is one.
    pub fn source(&self) -> Option<&(Provider, String)> {
        self.guard.source()
    }

    /// Looks for changes of buckets that changes are not taken from.
    ///
    /// # Errors
    ///
    /// [`Refused`] with the first one.
    pub fn guard(&self, changes: &[ObjectChange]) -> Result<(), Refused> {
        self.guard.check(changes)
    }

    /// As [`Policy::sort`], for changes that went through [`Policy::guard`] already.
    pub(crate) fn sort_guarded(&self, changes: Vec<ObjectChange>) -> Sorted {
        let mut sorted = Sorted { forward: Vec::with_capacity(changes.len()), skipped: Vec::new() };
        for (index, change) in changes.into_iter().enumerate() {
            match self.skips(&change) {
                None => sorted.forward.push((index, Arc::new(change))),
                Some(why) => sorted.skipped.push((index, Arc::new(change), why)),
            }
        }
        if sorted.forward.len() > 1 {
            keep_latest_of_each_object(&mut sorted);
        }
        sorted
    }

    /// The reason not to forward a change, regardless of others in the invocation.
    pub fn skips(&self, change: &ObjectChange) -> Option<Skip> {
        match change.effect() {
            Effect::Changed => {}
            Effect::VersionRemoved if self.removed_versions => {}
            Effect::Removed if self.removals => {}
            effect => return Some(Skip::Effect(effect)),
        }
        if self.guard.is_own_copy(change) {
            return Some(Skip::OwnCopy);
        }
        (!self.keys.admits(&change.key)).then_some(Skip::Filtered)
    }
}

/// The state of one object while its changes are sorted.
struct Latest {
    /// The change that counts so far.
    place: usize,
    /// The one of them with the highest sequencer.
    highest: Option<usize>,
}

/// The identity of an object: equal keys in two buckets, or at two services, are two objects.
fn object(change: &ObjectChange) -> (Provider, Option<&str>, Option<&str>, &str) {
    (change.provider, change.bucket.as_deref(), change.url.as_deref(), &change.key)
}

fn keep_latest_of_each_object(sorted: &mut Sorted) {
    let changes = &sorted.forward;
    let mut objects = HashMap::with_capacity(changes.len());
    for (place, (_, change)) in changes.iter().enumerate() {
        let latest = objects.entry(object(change)).or_insert(Latest { place, highest: None });
        let order = latest.highest.and_then(|highest| change.order(&changes[highest].1));
        if order == Some(Ordering::Less) {
            continue;
        }
        if supersedes(change, &changes[latest.place].1) {
            latest.place = place;
        }
        if change.sequencer.is_some() {
            latest.highest = Some(place);
        }
    }
    if objects.len() == changes.len() {
        return;
    }
    let stands: Vec<usize> = changes.iter().map(|(_, change)| objects[&object(change)].place).collect();
    let places: Vec<usize> = changes.iter().map(|(index, _)| *index).collect();
    for (place, (index, change)) in std::mem::take(&mut sorted.forward).into_iter().enumerate() {
        if stands[place] == place {
            sorted.forward.push((index, change));
        } else {
            sorted.skipped.push((index, change, Skip::Duplicate { of: places[stands[place]] }));
        }
    }
}

/// Whether a change takes the place of one that stands before it. Unless the source says that it is the later
/// one, no change makes it needless to look whether the object of a removal is gone.
fn supersedes(change: &ObjectChange, counting: &ObjectChange) -> bool {
    let removes = |change: &ObjectChange| change.event.is_removal();
    !removes(counting) || removes(change) || change.order(counting) == Some(Ordering::Greater)
}

/// Settings `INCLUDE` and `EXCLUDE`: comma-separated globs on whole keys, by the rules of `policy/glob.rs`. A
/// key is taken when no `EXCLUDE` glob matches it and, if there are any, one `INCLUDE` glob does.
#[derive(Debug, Default)]
pub struct KeyFilter {
    include: Option<Globs>,
    exclude: Option<Globs>,
}

impl KeyFilter {
    /// Compiles both settings; `None` or blank means "no restriction".
    ///
    /// # Errors
    ///
    /// The first glob that cannot be used, with the reason.
    pub fn new(include: Option<&str>, exclude: Option<&str>) -> Result<Self, BadGlob> {
        Ok(Self {
            include: include.map(Globs::parse).transpose()?.flatten(),
            exclude: exclude.map(Globs::parse).transpose()?.flatten(),
        })
    }

    /// Whether the key is taken.
    pub fn admits(&self, key: &str) -> bool {
        self.include.as_ref().is_none_or(|globs| globs.matches(key)) && !self.excludes(key)
    }

    /// The globs of `INCLUDE`; none: all keys.
    pub fn include(&self) -> &[String] {
        self.include.as_ref().map_or(&[], Globs::texts)
    }

    /// The globs of `EXCLUDE`.
    pub fn exclude(&self) -> &[String] {
        self.exclude.as_ref().map_or(&[], Globs::texts)
    }

    /// Whether an `EXCLUDE` glob matches the key.
    pub fn excludes(&self, key: &str) -> bool {
        self.exclude.as_ref().is_some_and(|globs| globs.matches(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_events::change::EventName;

    fn change(bucket: &str, key: &str, event: &str) -> ObjectChange {
        ObjectChange {
            bucket: Some(bucket.into()),
            event: EventName::new(event.into()),
            ..ObjectChange::of_key(key)
        }
    }

    fn forwarded(sorted: &Sorted) -> Vec<ObjectChange> {
        sorted.forward.iter().map(|(_, change)| (**change).clone()).collect()
    }

    fn skipped(sorted: &Sorted) -> Vec<(ObjectChange, Skip)> {
        sorted.skipped.iter().map(|(_, change, why)| ((**change).clone(), *why)).collect()
    }

    fn policy(include: Option<&str>, exclude: Option<&str>) -> Policy {
        Policy::new(KeyFilter::new(include, exclude).unwrap()).refusing_log_bucket("logs")
    }

    #[test]
    fn an_event_of_the_log_bucket_stops_the_whole_invocation() {
        let error = policy(None, None)
            .sort(vec![
                change("src", "a", "ObjectCreated:PutObject"),
                change("logs", "oms/x", "ObjectRemoved:DeleteObject"),
            ])
            .unwrap_err();
        assert!(error.to_string().contains("log bucket \"logs\""), "{error}");
    }

    #[test]
    fn only_changes_are_forwarded() {
        let sorted = policy(None, None)
            .sort(vec![
                change("src", "a", "ObjectCreated:PutObject"),
                change("src", "b", "ObjectRemoved:DeleteObject"),
                change("src", "c", "ObjectCreated:UploadPart"),
            ])
            .unwrap();
        assert_eq!(sorted.forward.len(), 1);
        let why: Vec<Skip> = sorted.skipped.iter().map(|(.., why)| *why).collect();
        assert_eq!(why, [Skip::Effect(Effect::Removed), Skip::Effect(Effect::MultipartStep)]);
    }

    #[test]
    fn removals_are_forwarded_where_they_are_carried_over() {
        let policy = policy(None, Some("*.tmp")).forwarding_removals();
        let removed = |key| change("src", key, "ObjectRemoved:DeleteObject");
        let aborted = change("src", "c", "ObjectRemoved:AbortMultipartUpload");
        let sorted = policy.sort(vec![removed("a"), removed("b.tmp"), aborted]).unwrap();
        assert_eq!(forwarded(&sorted), [removed("a")]);
        let why: Vec<Skip> = sorted.skipped.iter().map(|(.., why)| *why).collect();
        assert_eq!(why, [Skip::Filtered, Skip::Effect(Effect::MultipartStep)]);
    }

    #[test]
    fn removals_of_versions_are_forwarded_where_somebody_looks() {
        let removed = || change("src", "a", "ObjectRemoved:DeleteObjectVersion");
        let why = policy(None, None).forwarding_removals().skips(&removed());
        assert_eq!(why, Some(Skip::Effect(Effect::VersionRemoved)));
        let looking = policy(None, None).forwarding_removed_versions();
        assert_eq!(looking.skips(&removed()), None);
        let object = change("src", "a", "ObjectRemoved:DeleteObject");
        assert_eq!(looking.skips(&object), Some(Skip::Effect(Effect::Removed)));
    }

    #[test]
    fn copies_that_lie_in_the_source_bucket_are_not_copied_again() {
        let policy = policy(None, None).writing_to("src", "copies/");
        let put = |bucket, key| change(bucket, key, "ObjectCreated:PutObject");
        let sorted = policy.sort(vec![put("src", "copies/a"), put("other", "copies/b")]).unwrap();
        assert_eq!(forwarded(&sorted), [put("other", "copies/b")]);
        assert_eq!(skipped(&sorted), [(put("src", "copies/a"), Skip::OwnCopy)]);
        // The destination would lie inside its source.
        let refused = policy.sort(vec![put("other", "a"), put("src", "a")]).unwrap_err();
        assert_eq!(refused.kind(), "DestinationInSource");
        for part in ["\"a\"", "\"src\"", "DEST"] {
            assert!(refused.to_string().contains(part), "{refused}");
        }
    }

    #[test]
    fn the_last_of_several_changes_of_one_key_counts() {
        let mut late = change("src", "a", "ObjectCreated:PutObject");
        late.size = Some(2);
        let sorted = policy(None, None)
            .sort(vec![
                change("src", "a", "ObjectCreated:PutObject"),
                change("src", "b", "ObjectCreated:PutObject"),
                late.clone(),
            ])
            .unwrap();
        assert_eq!(forwarded(&sorted), [change("src", "b", "ObjectCreated:PutObject"), late]);
        assert_eq!(
            skipped(&sorted),
            [(change("src", "a", "ObjectCreated:PutObject"), Skip::Duplicate { of: 2 })]
        );
    }

    #[test]
    fn equal_keys_of_two_buckets_or_services_are_two_objects() {
        let put = |bucket| change(bucket, "a", "ObjectCreated:PutObject");
        let elsewhere = ObjectChange { provider: Provider::AmazonS3, ..put("src") };
        let changes = vec![put("src"), put("other"), elsewhere];
        assert_eq!(forwarded(&policy(None, None).sort(changes.clone()).unwrap()), changes);
    }

    fn numbered(event: &str, sequencer: Option<&str>) -> ObjectChange {
        ObjectChange { sequencer: sequencer.map(str::to_owned), ..change("src", "a", event) }
    }

    #[test]
    fn the_source_may_say_which_change_of_a_key_is_the_latest() {
        const PUT: &str = "ObjectCreated:Put";
        const DELETE: &str = "ObjectRemoved:Delete";
        let policy = policy(None, None).forwarding_removals();
        for (changes, latest) in [
            ([numbered(PUT, Some("0055AED6DCD90281E5")), numbered(DELETE, Some("0055AED6DCD9"))], 0),
            ([numbered(DELETE, Some("01")), numbered(PUT, Some("00FF"))], 0),
            ([numbered(PUT, Some("00FF")), numbered(DELETE, Some("01"))], 1),
            ([numbered(PUT, Some("01")), numbered(PUT, Some("01"))], 1),
            ([numbered(PUT, Some("01")), numbered(DELETE, None)], 1),
            ([numbered(PUT, None), numbered(DELETE, Some("01"))], 1),
        ] {
            let sorted = policy.sort(changes.to_vec()).unwrap();
            assert_eq!(forwarded(&sorted), [changes[latest].clone()], "{changes:?}");
            assert_eq!(
                skipped(&sorted),
                [(changes[1 - latest].clone(), Skip::Duplicate { of: latest })],
                "{changes:?}"
            );
        }
    }

    #[test]
    fn of_changes_that_nobody_numbered_a_removal_counts_wherever_it_stands() {
        let policy = policy(None, None).forwarding_removals();
        let put = |size| ObjectChange { size: Some(size), ..change("src", "a", "ObjectCreated:PutObject") };
        let removed = change("src", "a", "ObjectRemoved:DeleteObject");
        for changes in [
            vec![put(1), removed.clone()],
            vec![removed.clone(), put(1)],
            vec![put(1), removed.clone(), put(2)],
            vec![numbered("ObjectCreated:Put", Some("09")), removed.clone(), put(2)],
            vec![removed.clone(), numbered("ObjectCreated:Put", Some("09")), put(2)],
        ] {
            let sorted = policy.sort(changes.clone()).unwrap();
            assert_eq!(forwarded(&sorted), std::slice::from_ref(&removed), "{changes:?}");
        }
        let outdated = numbered("ObjectRemoved:Delete", Some("03"));
        let newest = numbered("ObjectCreated:Put", Some("09"));
        for changes in [[outdated.clone(), put(1), newest.clone()], [newest.clone(), put(1), outdated]] {
            let sorted = policy.sort(changes.to_vec()).unwrap();
            assert_ne!(sorted.forward[0].1.event.effect(), Effect::Removed, "{changes:?}");
        }
    }

    #[test]
    fn a_change_without_a_number_lets_no_outdated_one_through() {
        let restored = numbered("ObjectRestore:Completed", None);
        let changes = vec![
            numbered("ObjectCreated:Put", Some("05")),
            restored.clone(),
            numbered("ObjectRemoved:Delete", Some("03")),
        ];
        let sorted = policy(None, None).forwarding_removals().sort(changes).unwrap();
        assert_eq!(forwarded(&sorted), [restored]);
    }

    #[test]
    fn include_and_exclude_are_globs_on_whole_keys() {
        let filter = KeyFilter::new(Some("img/*, *.{jpg,png} ,,"), Some("img/tmp/*")).unwrap();
        for (key, admitted) in [
            ("img/a/b", true),
            ("x/y.png", true),
            ("x/y.gif", false),
            ("img/tmp/a.jpg", false),
            ("IMG/a", false),
        ] {
            assert_eq!(filter.admits(key), admitted, "{key}");
        }
        assert!(KeyFilter::new(Some(" , "), None).unwrap().admits("anything"));
        assert!(KeyFilter::new(Some("a[",), None).is_err());
    }

    #[test]
    fn filtered_keys_are_skipped_not_failed() {
        let sorted = policy(None, Some("*.tmp")).sort(vec![change("src", "a.tmp", "")]).unwrap();
        assert_eq!((sorted.forward.len(), sorted.skipped[0].2), (0, Skip::Filtered));
    }
}
