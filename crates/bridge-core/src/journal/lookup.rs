//! Which of given names exist, by listing and not by asking for each.

use std::pin::pin;

use futures_util::TryStreamExt as _;
use futures_util::future::try_join_all;
use oss_lite::{Bucket, Error, ListOptions, ListedObject};

use super::name::SEPARATOR;

/// Listings at once where the names lie far apart.
const RUNS: usize = 16;

/// Entries of a page where the names lie so far apart that a full page would hold one or two of them.
const SHORT_PAGE: u16 = 20;

/// Names that a full page must hold to be worth reading.
const DENSE: usize = 5;

/// Looks up names of one folder, in ascending byte order from call to call.
///
/// A page of the listing is read from the first name that is asked for; names on the same page cost nothing
/// more. Where names lie close together there are hardly more requests than pages. Where the first page shows
/// that they lie far apart, so that there will be about one request a name, the rest is cut into runs that
/// are looked up at the same time.
#[derive(Debug)]
pub(crate) struct Lookup {
    bucket: Bucket,
    folder: String,
    page: Vec<ListedObject>,
    /// The page has every name of the folder behind this one, up to its last; nothing was listed without it.
    after: Option<String>,
    /// The folder ends with the page.
    ends: bool,
    page_size: u16,
}

/// What is asked for: names of the folder, without the folder itself.
pub(super) struct Wanted {
    name: String,
    /// Everything that is asked for stands before it, or is it.
    up_to: String,
}

impl Wanted {
    /// This name alone.
    pub(super) fn exactly(name: &str) -> Self {
        Self { name: name.to_owned(), up_to: name.to_owned() }
    }

    /// This name, and those that go on with the separator.
    pub(super) fn group(name: &str) -> Self {
        // The character behind the separator.
        Self { name: name.to_owned(), up_to: format!("{name}\"") }
    }

    fn takes(&self, own: &str) -> bool {
        let Some(rest) = own.strip_prefix(&*self.name) else { return false };
        rest.is_empty() || (self.up_to != self.name && rest.starts_with(SEPARATOR))
    }
}

impl Lookup {
    pub(super) fn new(bucket: Bucket, folder: String) -> Self {
        let page_size = ListOptions::default().page_size;
        Self { bucket, folder, page: Vec::new(), after: None, ends: false, page_size }
    }

    /// For each of `names`, which ascend, none of them twice, the object of this name, if it is there.
    ///
    /// # Errors
    ///
    /// When the bucket cannot be listed.
    pub(crate) async fn find(&mut self, names: &[&str]) -> Result<Vec<Option<ListedObject>>, Error> {
        let wanted: Vec<Wanted> = names.iter().map(|name| Wanted::exactly(name)).collect();
        let found = self.find_all(&wanted).await?;
        Ok(found.into_iter().map(|mut objects| objects.pop()).collect())
    }

    /// For each of `wanted`, which ascend, none of them twice, the objects that it asks for.
    ///
    /// # Errors
    ///
    /// When the bucket cannot be listed.
    pub(super) async fn find_all(&mut self, wanted: &[Wanted]) -> Result<Vec<Vec<ListedObject>>, Error> {
        let mut found = Vec::with_capacity(wanted.len());
        self.take(wanted, &mut found);
        let at_hand = found.len();
        if let Some(next) = wanted.get(at_hand) {
            self.turn_to(next).await?;
            self.take(&wanted[at_hand..], &mut found);
        }
        let (on_page, rest) = (found.len() - at_hand, &wanted[found.len()..]);
        if rest.is_empty() {
            return Ok(found);
        }
        let runs = rest.len().div_ceil(on_page.max(1)).min(RUNS);
        let page_size = if on_page < DENSE { SHORT_PAGE } else { self.page_size };
        let runs = rest.chunks(rest.len().div_ceil(runs)).map(|wanted| {
            let mut run = Self { page_size, ..Self::new(self.bucket.clone(), self.folder.clone()) };
            async move {
                let mut found = Vec::with_capacity(wanted.len());
                run.walk(wanted, &mut found).await?;
                Ok::<_, Error>((run, found))
            }
        });
        for (run, of_run) in try_join_all(runs).await? {
            found.extend(of_run);
            *self = Self { page_size: self.page_size, ..run };
        }
        Ok(found)
    }

    /// One page after the other.
    async fn walk(&mut self, wanted: &[Wanted], found: &mut Vec<Vec<ListedObject>>) -> Result<(), Error> {
        while let Some(next) = wanted.get(found.len()) {
            self.turn_to(next).await?;
            self.take(&wanted[found.len()..], found);
        }
        Ok(())
    }

    /// Adds what the page at hand says of the first of `wanted`, as far as it reaches.
    fn take(&self, wanted: &[Wanted], found: &mut Vec<Vec<ListedObject>>) {
        for wanted in wanted.iter().take_while(|wanted| self.covers(wanted)) {
            let from = self.page.partition_point(|object| self.own(object) < &*wanted.name);
            let near = self.page[from..].iter().take_while(|object| self.own(object) <= &*wanted.up_to);
            found.push(near.filter(|object| wanted.takes(self.own(object))).cloned().collect());
        }
    }

    /// The name of an object without the folder.
    fn own<'o>(&self, object: &'o ListedObject) -> &'o str {
        object.key.strip_prefix(&*self.folder).unwrap_or_default()
    }

    fn covers(&self, wanted: &Wanted) -> bool {
        let name = [&self.folder, &*wanted.name].concat();
        let begins = self.after.as_ref().is_some_and(|after| *after < name);
        begins && (self.ends || self.page.last().is_some_and(|last| self.own(last) >= &*wanted.up_to))
    }

    /// Lists from just before a name until everything is there that is wanted.
    async fn turn_to(&mut self, wanted: &Wanted) -> Result<(), Error> {
        let name = [&self.folder, &*wanted.name].concat();
        // Many names may lie between the two, more than a page holds: then the listing goes on where the page
        // before ended.
        let before = just_before(&name);
        let last = self.page.last().map(|last| last.key.clone());
        let mut after = last.filter(|last| *last > before && *last < name).unwrap_or(before);
        (self.page, self.after, self.ends) = (Vec::new(), Some(after.clone()), false);
        loop {
            let options = ListOptions {
                prefix: Some(self.folder.clone()),
                start_after: Some(after),
                page_size: self.page_size,
                ..ListOptions::default()
            };
            let page = pin!(self.bucket.list(options)).try_next().await?;
            let objects = page.map(|page| page.objects).unwrap_or_default();
            // A page may have fewer entries than were asked for.
            self.ends = objects.is_empty();
            self.page.extend(objects);
            match self.page.last().map(|last| last.key.clone()) {
                Some(last) if !self.covers(wanted) => after = last,
                _ => return Ok(()),
            }
        }
    }
}

/// A text just before `name` in byte order: a listing that starts after it begins with `name`, or with one of
/// the few names between the two.
pub(super) fn just_before(name: &str) -> String {
    let mut before = name.to_owned();
    let Some(last) = before.pop() else { return before };
    // Surrogates are no characters: before U+E000 comes U+D7FF.
    let earlier = u32::from(last).checked_sub(1).map(|code| char::from_u32(code).unwrap_or('\u{d7ff}'));
    before.extend(earlier);
    if earlier.is_some() && before.len() + 4 <= name.len().max(1000) {
        before.push('\u{10ffff}');
    }
    before
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn just_before_is_close() {
        assert_eq!(just_before("abc"), "abb\u{10ffff}");
        assert_eq!(just_before("a\u{0}"), "a");
        assert_eq!(just_before("a\u{e000}"), "a\u{d7ff}\u{10ffff}");
        let long = "x".repeat(1023);
        assert!(just_before(&long).len() <= 1023);
    }

    proptest! {
        #[test]
        fn just_before_is_before(name in "\\PC{1,20}|[\\x00-\\x7f]{1,20}") {
            prop_assert!(just_before(&name) < name);
        }
    }
}
