//! Whether given names exist, by listing and not by asking for each.

use std::collections::VecDeque;
use std::pin::pin;

use futures_util::TryStreamExt as _;
use futures_util::future::try_join_all;
use oss_lite::{Bucket, Error, ListOptions, ListedObject};

/// Listings at once where the names lie far apart.
const RUNS: usize = 16;

/// Entries of a page where the names lie so far apart that a full page would hold one or two of them.
const SHORT_PAGE: u16 = 20;

/// Names that a full page must hold to be worth reading.
const DENSE: usize = 50;

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
    page: VecDeque<ListedObject>,
    /// The last name on the page.
    last: Option<String>,
    /// The folder ends with the page.
    ends: bool,
    page_size: u16,
}

impl Lookup {
    pub(super) fn new(bucket: Bucket, folder: String) -> Self {
        let page_size = ListOptions::default().page_size;
        Self { bucket, folder, page: VecDeque::new(), last: None, ends: false, page_size }
    }

    /// For each of `ends`, which ascend, none of them twice, the object whose name ends in it, if it is
    /// there.
    ///
    /// # Errors
    ///
    /// When the bucket cannot be listed.
    pub(crate) async fn find(&mut self, ends: &[&str]) -> Result<Vec<Option<ListedObject>>, Error> {
        let mut found = Vec::with_capacity(ends.len());
        self.take(ends, &mut found);
        let at_hand = found.len();
        if let Some(next) = ends.get(at_hand) {
            self.turn_to(next).await?;
            self.take(&ends[at_hand..], &mut found);
        }
        let (on_page, rest) = (found.len() - at_hand, &ends[found.len()..]);
        if rest.is_empty() {
            return Ok(found);
        }
        let runs = rest.len().div_ceil(on_page.max(1)).min(RUNS);
        let page_size = if on_page < DENSE { SHORT_PAGE } else { self.page_size };
        let runs = rest.chunks(rest.len().div_ceil(runs)).map(|ends| {
            let mut run = Self { page_size, ..Self::new(self.bucket.clone(), self.folder.clone()) };
            async move {
                let mut found = Vec::with_capacity(ends.len());
                run.walk(ends, &mut found).await?;
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
    async fn walk(&mut self, ends: &[&str], found: &mut Vec<Option<ListedObject>>) -> Result<(), Error> {
        while let Some(next) = ends.get(found.len()) {
            self.turn_to(next).await?;
            self.take(&ends[found.len()..], found);
        }
        Ok(())
    }

    /// Adds what the page at hand says of the first of `ends`, as far as it reaches.
    fn take(&mut self, ends: &[&str], found: &mut Vec<Option<ListedObject>>) {
        let place = |name: &str, end: &str| match name.strip_prefix(&*self.folder) {
            Some(own) => own.cmp(end),
            None => name.cmp(&self.folder),
        };
        for (at, end) in ends.iter().enumerate() {
            let reaches = self.last.as_ref().is_some_and(|last| place(last, end).is_ge());
            if !self.ends && !reaches {
                return;
            }
            while self.page.front().is_some_and(|object| place(&object.key, end).is_lt()) {
                self.page.pop_front();
            }
            let is_there = self.page.front().is_some_and(|object| place(&object.key, end).is_eq());
            // The last one may be asked for once more by the next call.
            let last = at + 1 == ends.len();
            found.push(match is_there {
                false => None,
                true if last => self.page.front().cloned(),
                true => self.page.pop_front(),
            });
        }
    }

    async fn turn_to(&mut self, end: &str) -> Result<(), Error> {
        let name = [&self.folder, end].concat();
        // Many names may lie between the two, more than a page holds: then the listing goes on where the page
        // before ended.
        let before = just_before(&name);
        let after = match self.last.take() {
            Some(last) if last > before && last < name => last,
            _ => before,
        };
        let options = ListOptions {
            prefix: Some(self.folder.clone()),
            start_after: Some(after),
            page_size: self.page_size,
            ..ListOptions::default()
        };
        let page = pin!(self.bucket.list(options)).try_next().await?;
        self.page = page.map(|page| page.objects.into()).unwrap_or_default();
        self.last = self.page.back().map(|object| object.key.clone());
        self.ends = self.page.is_empty();
        Ok(())
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
