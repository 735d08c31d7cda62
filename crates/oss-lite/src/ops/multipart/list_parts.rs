//! Lists the parts of an upload.

use chrono::{DateTime, Utc};
use http::Method;

use super::{check_id, unreadable};
use crate::bucket::Bucket;
use crate::client::{Call, Target};
use crate::error::{Error, ErrorKind};
use crate::key::ObjectKey;
use crate::meta::unquoted;
use crate::query::Query;
use crate::xml::{self, Malformed, Node};

/// 1000 parts, several times over.
const LARGEST_PAGE: usize = 4 * 1024 * 1024;

/// A part that is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedPart {
    /// 1 to 10,000.
    pub number: u32,
    /// Without quotes.
    pub etag: String,
    /// Size in bytes.
    pub size: u64,
    /// CRC-64/XZ of the part, on OSS.
    pub crc64: Option<u64>,
    /// When it was stored.
    pub last_modified: Option<DateTime<Utc>>,
}

#[derive(Debug, Default)]
struct PartsPage {
    parts: Vec<ListedPart>,
    /// After which number the next page begins.
    next: Option<u32>,
}

impl Bucket {
    /// All parts of an upload that are stored, by number: up to 10,000, from as many requests as that takes.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/listparts),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0101.html).
    pub async fn list_parts(&self, key: &str, upload_id: &str) -> Result<Vec<ListedPart>, Error> {
        check_id(upload_id)?;
        let key = ObjectKey::new(self.dialect(), key)?;
        let mut parts = Vec::new();
        let mut after = 0;
        loop {
            let page = self.page_of_parts(&key, upload_id, after).await?;
            parts.extend(page.parts);
            match page.next {
                Some(next) => after = next,
                None => return Ok(parts),
            }
        }
    }

    async fn page_of_parts(
        &self,
        key: &ObjectKey<'_>,
        upload_id: &str,
        after: u32,
    ) -> Result<PartsPage, Error> {
        let marker = (after > 0).then(|| ("part-number-marker", after.to_string()));
        let params = [("uploadId", upload_id.to_owned()), ("max-parts", "1000".to_owned())];
        let call = Call {
            query: Query::new(params.into_iter().chain(marker)),
            action: "ListParts",
            ..Call::new("list the parts of", Method::GET, Target::Object(key))
        };
        self.call(&call, LARGEST_PAGE, |answer| {
            let page = read(&answer.body).map_err(|why| unreadable(&why.to_string()))?;
            match page.next {
                Some(next) if next <= after => {
                    let message = format!("the list of parts does not advance beyond {after}");
                    Err(Error::new(ErrorKind::UnexpectedResponse, message))
                }
                _ => Ok(page),
            }
        })
        .await
    }
}

fn read(body: &[u8]) -> Result<PartsPage, Malformed> {
    let mut page = PartsPage::default();
    let mut part = ListedPart::default();
    let (mut truncated, mut marker, mut bad_number) = (false, None, false);
    xml::read(body, "ListPartsResult", |node| match node {
        Node::Leaf("IsTruncated", text) => truncated = text == "true",
        Node::Leaf("NextPartNumberMarker", text) => marker = text.parse().ok(),
        Node::Leaf("Part/PartNumber", text) => match text.parse() {
            Ok(number) => part.number = number,
            Err(_) => bad_number = true,
        },
        Node::Leaf("Part/Size", text) => match text.parse() {
            Ok(size) => part.size = size,
            Err(_) => bad_number = true,
        },
        Node::Leaf("Part/ETag", text) => unquoted(&text).clone_into(&mut part.etag),
        Node::Leaf("Part/HashCrc64ecma", text) => part.crc64 = text.parse().ok(),
        Node::Leaf("Part/LastModified", text) => {
            part.last_modified = DateTime::parse_from_rfc3339(&text).ok().map(|time| time.to_utc());
        }
        Node::Close("Part") => page.parts.push(std::mem::take(&mut part)),
        _ => {}
    })?;
    if bad_number || page.parts.iter().any(|part| part.number == 0) {
        return Err(Malformed::new("a number or size is none"));
    }
    if truncated {
        let last = page.parts.last().map(|part| part.number);
        page.next =
            Some(marker.or(last).ok_or_else(|| Malformed::new("there are more pages, but not where"))?);
    }
    Ok(page)
}
