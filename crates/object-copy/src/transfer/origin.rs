//! The origin of a copy: the address of its source.
//!
//! Each copy in a bucket has it in its user metadata, so that the removal of an object removes its own copy,
//! and neither the copy of another bucket's object with the same key nor an unrelated object. The value is
//! the address of the source if that is short and needs no encoding (`oss://photos/2024/a.jpg`), else the
//! address of its bucket and the SHA-256 of the key (`oss://photos/#9f86…`): so it is ASCII, at most 330
//! bytes, and every service returns it unchanged. The first form contains no `#`.
//!
//! The endpoint is not part of it, since a bucket has several; neither are credentials and queries of URLs,
//! which may be secret.

use oss_lite::PutOptions;
use sha2::{Digest as _, Sha256};

use super::source::Source;
use settings::location::scheme;

/// User metadata that holds the `ETag` of the source of a copy.
pub const SOURCE_ETAG: &str = "src-etag";

/// User metadata that holds the origin of a copy.
pub const SOURCE_ORIGIN: &str = "src-origin";

/// Longer keys are hashed.
const LONGEST: usize = 256;

/// Most user metadata that services accept, names and values together.
const MAX_METADATA: usize = 8 * 1024;

/// An object's origin, as its copy records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin(String);

/// Whose copy an object at the destination is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// Of this origin, as far as can be known.
    This,
    /// Of another one.
    Another,
    /// It has no origin.
    Unknown,
}

/// Which objects without a recorded origin count as copies, and may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmarked {
    /// None.
    Kept,
    /// Those that carry a source's `ETag`: copies by versions of this program that recorded no origin.
    OlderCopies,
    /// All: copies by OMS look like anybody's objects.
    Removed,
}

impl Origin {
    pub(super) fn of(source: &Source, key: &str) -> Self {
        match source {
            Source::Store(bucket) => {
                Self::new(&format!("{}://{}/", scheme(bucket.dialect()), bucket.name()), key)
            }
            #[cfg(feature = "s3")]
            Source::S3(bucket) => Self::new(&format!("s3://{}/", bucket.name()), key),
            Source::Web(_) => {
                let url = source.name(key);
                let (scheme, rest) = url.split_once("://").unwrap_or(("http", &url));
                Self::new(&format!("{scheme}://"), rest)
            }
            Source::Directory(_) => Self::new("file:///", key),
        }
    }

    fn new(place: &str, key: &str) -> Self {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
        Self(if key.len() <= LONGEST && key.bytes().all(plain) {
            [place, key].concat()
        } else {
            format!("{place}#{}", hex::encode(Sha256::digest(key)))
        })
    }

    /// Adds it to the metadata of a copy, unless that would exceed the service's limit: the source's own
    /// metadata has priority.
    pub(super) fn mark(&self, options: &mut PutOptions) {
        let taken = |(name, value): &(String, String)| name.len() + value.len();
        let used: usize = options.metadata.iter().map(taken).sum();
        if used + SOURCE_ORIGIN.len() + self.0.len() <= MAX_METADATA {
            options.metadata.push((SOURCE_ORIGIN.to_owned(), self.0.clone()));
        }
    }

    /// Whose copy an object with this user metadata is.
    pub(super) fn owner(&self, metadata: &[(String, String)], unmarked: Unmarked) -> Owner {
        let value = |wanted: &str| metadata.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
        match (value(SOURCE_ORIGIN), unmarked) {
            (Some(origin), _) if *origin == self.0 => Owner::This,
            (Some(_), _) => Owner::Another,
            (None, Unmarked::Removed) => Owner::This,
            (None, Unmarked::OlderCopies) if value(SOURCE_ETAG).is_some() => Owner::This,
            (None, _) => Owner::Unknown,
        }
    }
}

/// Whether an entry of metadata is the program's own and not from the source.
pub(super) fn is_own_metadata(name: &str) -> bool {
    name == SOURCE_ETAG || name == SOURCE_ORIGIN
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn origin(key: &str) -> String {
        Origin::new("oss://photos/", key).0
    }

    fn with(metadata: &[(&str, &str)]) -> Vec<(String, String)> {
        metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn short_plain_keys_stay_readable_and_others_are_hashed() {
        assert_eq!(origin("2024/a.jpg"), "oss://photos/2024/a.jpg");
        assert_eq!(
            origin("测试"),
            "oss://photos/#6aa8f49cc992dfd75a114269ed26de0ad6d4e7d7a70d9c8afb3d7a57a88a73ed"
        );
        for key in ["a b", "a%20b", "#", "a?b", &"x".repeat(LONGEST + 1)] {
            assert_eq!(origin(key).len(), "oss://photos/#".len() + 64, "{key}");
        }
    }

    #[test]
    fn a_copy_belongs_to_the_object_that_its_origin_names() {
        let own = Origin::new("oss://photos/", "k");
        let marked = |origin| with(&[(SOURCE_ETAG, "E"), (SOURCE_ORIGIN, origin)]);
        for unmarked in [Unmarked::Kept, Unmarked::OlderCopies, Unmarked::Removed] {
            assert_eq!(own.owner(&marked("oss://photos/k"), unmarked), Owner::This);
            for other in ["oss://pictures/k", "s3://photos/k", "oss://photos/l", "oss://photos/#k", ""] {
                assert_eq!(own.owner(&marked(other), unmarked), Owner::Another, "{other}");
            }
        }
    }

    #[test]
    fn an_object_without_origin_counts_as_configured() {
        let own = Origin::new("oss://photos/", "k");
        let (older, foreign) = (with(&[(SOURCE_ETAG, "E")]), with(&[("author", "alice")]));
        for (unmarked, of_older, of_foreign) in [
            (Unmarked::Kept, Owner::Unknown, Owner::Unknown),
            (Unmarked::OlderCopies, Owner::This, Owner::Unknown),
            (Unmarked::Removed, Owner::This, Owner::This),
        ] {
            assert_eq!(own.owner(&older, unmarked), of_older, "{unmarked:?}");
            assert_eq!(own.owner(&foreign, unmarked), of_foreign, "{unmarked:?}");
        }
    }

    #[test]
    fn nothing_is_added_to_metadata_that_is_full() {
        let own = Origin::new("oss://photos/", "k");
        let room = SOURCE_ORIGIN.len() + "oss://photos/k".len() + "a".len();
        for (len, entries) in [(MAX_METADATA - room, 2), (MAX_METADATA - room + 1, 1)] {
            let metadata = vec![("a".to_owned(), "x".repeat(len))];
            let mut options = PutOptions { metadata, ..PutOptions::default() };
            own.mark(&mut options);
            assert_eq!(options.metadata.len(), entries);
        }
    }

    proptest! {
        #[test]
        fn values_are_short_plain_and_one_for_each_key(one in "\\PC{0,300}|[a-z/#]{0,8}", other in "[a-z/#]{0,8}") {
            let value = origin(&one);
            prop_assert!(value.len() <= 330 && value.bytes().all(|byte| byte.is_ascii_graphic()), "{}", value);
            prop_assert_eq!(one == other, value == origin(&other));
        }
    }
}
