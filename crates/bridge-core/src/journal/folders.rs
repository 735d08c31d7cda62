//! Names looked up in both folders of a kind: that of names with keys, and that of names with hashes.

use std::borrow::Cow;

use oss_lite::{Bucket, Error, ListedObject};

use super::layout::Naming;
use super::lookup::{Lookup, Wanted};

/// A folder of names that have the key, and one of names that have its hash.
#[derive(Debug)]
pub(super) struct Folders {
    by_key: Lookup,
    by_hash: Lookup,
}

/// A name without its folder, and the place of its key among those that are asked for.
pub(super) type Named<'k> = (usize, Naming, Cow<'k, str>);

/// What a lookup finds of a name.
pub(super) struct KeyObjects<'k> {
    pub(super) place: usize,
    pub(super) naming: Naming,
    pub(super) name: Cow<'k, str>,
    pub(super) objects: Vec<ListedObject>,
}

impl Folders {
    /// `folder` is the folder of a naming.
    pub(super) fn new(bucket: &Bucket, folder: impl Fn(Naming) -> String) -> Self {
        let [by_key, by_hash] =
            [Naming::Key, Naming::Hash].map(|naming| Lookup::new(bucket.clone(), folder(naming)));
        Self { by_key, by_hash }
    }

    /// Looks up names; `wanted` says what of each. Calls come in the order of names.
    pub(super) async fn find<'k>(
        &mut self,
        mut names: Vec<Named<'k>>,
        wanted: fn(&str) -> Wanted,
    ) -> Result<Vec<KeyObjects<'k>>, Error> {
        names.sort_unstable_by(|one, other| one.2.cmp(&other.2));
        let (by_key, by_hash): (Vec<_>, Vec<_>) =
            names.into_iter().partition(|(_, naming, _)| *naming == Naming::Key);
        let mut found = Vec::with_capacity(by_key.len() + by_hash.len());
        for (lookup, names) in [(&mut self.by_key, by_key), (&mut self.by_hash, by_hash)] {
            let asked: Vec<Wanted> = names.iter().map(|(.., name)| wanted(name)).collect();
            let objects = lookup.find_all(&asked).await?;
            let of_names = names.into_iter().zip(objects);
            found.extend(of_names.map(|((place, naming, name), objects)| KeyObjects {
                place,
                naming,
                name,
                objects,
            }));
        }
        Ok(found)
    }
}
