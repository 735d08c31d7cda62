//! Whether given names exist, by listing and not by asking for each.

use std::collections::VecDeque;
use std::pin::pin;

use futures_util::TryStreamExt as _;
use oss_lite::{Bucket, Error, ListOptions, ListedObject};

/// Looks up names of one folder in ascending byte order.
///
/// A page of the listing is read from the name that is asked for; names on the same page cost nothing more, and a name
/// behind it turns to the page that begins there. So it takes at most one request a name, and hardly more than there are
/// pages.
#[derive(Debug)]
pub struct Lookup {
    bucket: Bucket,
    folder: String,
    page: VecDeque<ListedObject>,
    /// The last name on the page.
    last: Option<String>,
    /// The folder ends with the page.
    ends: bool,
}

impl Lookup {
    pub(super) fn new(bucket: Bucket, folder: String) -> Self {
        Self { bucket, folder, page: VecDeque::new(), last: None, ends: false }
    }

    /// The object whose name ends in `end`, if it is there. Each call must ask for a greater `end` than the one before.
    ///
    /// # Errors
    ///
    /// When the bucket cannot be listed.
    pub async fn find(&mut self, end: &str) -> Result<Option<ListedObject>, Error> {
        let name = [&self.folder, end].concat();
        if !self.ends && self.last.as_ref().is_none_or(|last| *last < name) {
            self.turn_to(&name).await?;
        }
        while self.page.front().is_some_and(|object| object.key < name) {
            self.page.pop_front();
        }
        Ok(self.page.front().filter(|object| object.key == name).cloned())
    }

    async fn turn_to(&mut self, name: &str) -> Result<(), Error> {
        let options = ListOptions {
            prefix: Some(self.folder.clone()),
            start_after: Some(just_before(name)),
            ..ListOptions::default()
        };
        let page = pin!(self.bucket.list(options)).try_next().await?;
        self.page = page.map(|page| page.objects.into()).unwrap_or_default();
        self.last = self.page.back().map(|object| object.key.clone());
        self.ends = self.page.is_empty();
        Ok(())
    }
}

/// A text just before `name` in byte order: a listing that starts after it begins with `name`, or with one of the few
/// names between the two.
fn just_before(name: &str) -> String {
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
