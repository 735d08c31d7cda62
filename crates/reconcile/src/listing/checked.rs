//! Pages that are checked: a listing that contradicts itself is an error, and nothing is concluded from it.

use futures_util::StreamExt as _;
use object_copy::transfer::TransferError;

use super::{Page, PageStream};

/// Pages of one side whose keys all begin with its prefix, come after the start of the range, and increase
/// strictly in byte order. Keys are cut down to what stands behind the prefix.
pub(crate) struct CheckedPages {
    pages: PageStream,
    prefix: String,
    /// What messages call the side.
    name: String,
    /// The last key so far, or the one that the range begins behind; both without the prefix.
    last: Option<String>,
}

impl CheckedPages {
    pub(crate) fn new(pages: PageStream, prefix: &str, name: &str, after: Option<String>) -> Self {
        Self { pages, prefix: prefix.to_owned(), name: name.to_owned(), last: after }
    }

    /// The next page; `None` after the last one.
    pub(crate) async fn next(&mut self) -> Result<Option<Page>, TransferError> {
        let Some(page) = self.pages.next().await else { return Ok(None) };
        let mut page = page?;
        let mut last = self.last.as_deref();
        for object in &mut page.objects {
            if !object.key.starts_with(&self.prefix) {
                return Err(
                    self.contradicts(&format!("{:?} does not begin with {:?}", object.key, self.prefix))
                );
            }
            object.key.drain(..self.prefix.len());
        }
        for object in page.objects.iter().filter(|object| object.has_key()) {
            match last {
                Some(last) if object.key.as_str() == last => {
                    return Err(self.contradicts(&format!("{last:?} comes twice")));
                }
                Some(last) if object.key.as_str() < last => {
                    return Err(self.contradicts(&format!(
                        "{:?} comes behind {last:?}, which is not the byte order of keys",
                        object.key
                    )));
                }
                _ => last = Some(&object.key),
            }
        }
        let last = page.objects.iter().rfind(|object| object.has_key()).map(|object| object.key.clone());
        self.last = last.or_else(|| self.last.take());
        Ok(Some(page))
    }

    fn contradicts(&self, what: &str) -> TransferError {
        TransferError::transient(format!("the listing of {} contradicts itself: {what}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::listing::Listed;

    async fn read(prefix: &str, after: Option<&str>, pages: &[&[&str]]) -> Result<Vec<String>, String> {
        let listed = |key: &&str| Listed { key: (*key).to_owned(), ..Listed::default() };
        let page = |keys: &&[&str]| Ok(Page::of(keys.iter().map(listed).collect()));
        let pages: PageStream = Box::pin(stream::iter(pages.iter().map(page).collect::<Vec<_>>()));
        let mut pages = CheckedPages::new(pages, prefix, "oss://src", after.map(str::to_owned));
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await.map_err(|failed| failed.error.message.clone())? {
            keys.extend(page.objects.into_iter().map(|object| object.key));
        }
        Ok(keys)
    }

    #[tokio::test]
    async fn keys_lose_the_prefix() {
        let keys = read("p/", Some("a"), &[&["p/b", "p/c"], &[], &["p/d"]]).await;
        assert_eq!(keys.unwrap(), ["b", "c", "d"]);
    }

    #[tokio::test]
    async fn what_contradicts_itself_is_an_error() {
        for (pages, what) in [
            (&[&["p/b", "q/c"][..]][..], "\"q/c\" does not begin with \"p/\""),
            (&[&["p/b", "p/b"]], "\"b\" comes twice"),
            (&[&["p/c"], &["p/c"]], "\"c\" comes twice"),
            (&[&["p/c"], &["p/b"]], "\"b\" comes behind \"c\""),
            // The range begins behind it.
            (&[&["p/a"]], "\"a\" comes twice"),
            (&[&["p/"]], "\"\" comes behind \"a\""),
            // U+FFFF sorts before U+10000 as bytes, and behind it as UTF-16.
            (&[&["p/\u{10000}", "p/\u{ffff}"]], "comes behind"),
        ] {
            let error = read("p/", Some("a"), pages).await.unwrap_err();
            assert!(error.contains(what), "{pages:?}: {error}");
        }
    }
}
