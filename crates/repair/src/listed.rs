//! Whether an object is still the one that was listed.

use object_copy::transfer::ObjectFacts;
use reconcile::listing::Listed;

/// What a listing says of an object.
pub(crate) fn facts(listed: &Listed) -> ObjectFacts {
    ObjectFacts {
        size: Some(listed.size),
        etag: listed.etag.as_deref().map(str::to_owned),
        last_modified: listed.modified,
        ..ObjectFacts::default()
    }
}

/// Whether nobody wrote the object since. What a listing does not have is not compared.
pub(crate) fn is_as_listed(listed: &ObjectFacts, now: &ObjectFacts) -> bool {
    let is_same_tag = listed.etag.as_ref().zip(now.etag.as_ref()).is_none_or(|(then, now)| then == now);
    let is_same_size = listed.size.zip(now.size).is_none_or(|(then, now)| then == now);
    // A HEAD has whole seconds.
    let time = |facts: &ObjectFacts| facts.last_modified.map(|at| at.timestamp());
    let is_same_time = time(listed).zip(time(now)).is_none_or(|(then, now)| then == now);
    is_same_tag && is_same_size && is_same_time
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    fn facts(size: u64, etag: Option<&str>, at: Option<&str>) -> ObjectFacts {
        ObjectFacts {
            size: Some(size),
            etag: etag.map(str::to_owned),
            last_modified: at.map(|at| at.parse::<DateTime<Utc>>().unwrap()),
            ..ObjectFacts::default()
        }
    }

    #[test]
    fn what_was_written_since_is_another_object() {
        let at = Some("2026-01-05T10:00:00.250Z");
        let listed = facts(3, Some("a"), at);
        assert!(is_as_listed(&listed, &facts(3, Some("a"), Some("2026-01-05T10:00:00Z"))));
        assert!(is_as_listed(&facts(3, None, None), &facts(3, Some("a"), at)), "an unknown value");
        for now in [
            facts(4, Some("a"), at),
            facts(3, Some("b"), at),
            facts(3, Some("a"), Some("2026-01-05T10:00:01Z")),
        ] {
            assert!(!is_as_listed(&listed, &now), "{now:?}");
        }
    }
}
