//! Lists objects page by page.

use futures_util::{Stream, stream};
use http::Method;

use super::list_page::{self, ListPage, ObjectsPage};
use crate::bucket::Bucket;
use crate::client::{Call, Target};
use crate::dialect::Listing;
use crate::error::{Error, ErrorKind, Retry};
use crate::query::Query;

/// 1000 entries with encoded keys of the longest kind, several times over.
const LARGEST_PAGE: usize = 16 * 1024 * 1024;

/// Which part of a bucket is listed.
#[derive(Clone, Debug)]
pub struct ListOptions {
    /// Only keys that begin with it.
    pub prefix: Option<String>,
    /// Keys that have it after the prefix are rolled up into [`ListPage::common_prefixes`].
    pub delimiter: Option<String>,
    /// Only keys that come after it in byte order.
    pub start_after: Option<String>,
    /// Entries of a page, 1 to 1000. Default: 1000.
    pub page_size: u16,
}

impl Default for ListOptions {
    fn default() -> Self {
        Self { prefix: None, delimiter: None, start_after: None, page_size: 1000 }
    }
}

/// Where a listing goes on.
enum ListPosition {
    Start,
    After(String),
    End,
}

impl Bucket {
    /// Lists a bucket page by page, asking for a page only when it is polled for. The stream ends after its
    /// first error; a service that hands out the same page again and again is one.
    ///
    /// OSS is listed by
    /// [`ListObjectsV2`](https://www.alibabacloud.com/help/en/oss/developer-reference/listobjectsv2), OBS by
    /// [marker](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0022.html), which its parallel file
    /// systems know too.
    pub fn list(&self, options: ListOptions) -> impl Stream<Item = Result<ListPage, Error>> + Send + use<> {
        let start = (self.clone(), options, ListPosition::Start);
        stream::try_unfold(start, |(bucket, options, position)| async move {
            let after = match position {
                ListPosition::Start => None,
                ListPosition::After(marker) => Some(marker),
                ListPosition::End => return Ok(None),
            };
            let page = bucket.page(&options, after.as_deref()).await?;
            let next = page.next.map_or(ListPosition::End, ListPosition::After);
            Ok(Some((page.list, (bucket, options, next))))
        })
    }

    async fn page(&self, options: &ListOptions, after: Option<&str>) -> Result<ObjectsPage, Error> {
        if !(1..=1000).contains(&options.page_size) {
            let message = format!("a page has 1 to 1000 entries, not {}", options.page_size);
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let listing = self.dialect().profile().listing;
        let call =
            Call { query: query(listing, options, after), ..Call::new("list", Method::GET, Target::Bucket) };
        self.call(&call, LARGEST_PAGE, |answer| {
            let page = list_page::read(&answer.body, listing).map_err(|why| {
                let message = format!("unreadable listing: {why}");
                Error::new(ErrorKind::UnexpectedResponse, message).with_retry(Retry::Backoff)
            })?;
            if let Some(next) = &page.next
                && !advances(listing, next, after, options)
            {
                let message = format!("the listing does not advance beyond {next:?}");
                return Err(Error::new(ErrorKind::UnexpectedResponse, message));
            }
            Ok(page)
        })
        .await
    }
}

/// Tokens are opaque, markers are keys.
fn advances(listing: Listing, next: &str, after: Option<&str>, options: &ListOptions) -> bool {
    match listing {
        Listing::ContinuationToken => Some(next) != after,
        Listing::Marker => after.or(options.start_after.as_deref()).is_none_or(|after| next > after),
    }
}

fn query(listing: Listing, options: &ListOptions, after: Option<&str>) -> Query {
    let mut params: Vec<(&'static str, String)> =
        vec![("encoding-type", "url".to_owned()), ("max-keys", options.page_size.to_string())];
    let mut add = |name, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            params.push((name, value.to_owned()));
        }
    };
    add("prefix", options.prefix.as_deref());
    add("delimiter", options.delimiter.as_deref());
    match listing {
        Listing::ContinuationToken => {
            add("list-type", Some("2"));
            add("start-after", options.start_after.as_deref());
            add("continuation-token", after);
        }
        Listing::Marker => add("marker", after.or(options.start_after.as_deref())),
    }
    Query::new(params)
}
