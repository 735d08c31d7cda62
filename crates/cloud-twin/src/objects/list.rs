//! `ListObjects` and `ListObjectsV2`.

use std::borrow::Cow;
use std::ops::Bound;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Call;
use super::reply::xml_reply;
use crate::dialect::Dialect;
use crate::error::{ApiError, Outcome};
use crate::object::StoredObject;
use crate::reply::Reply;
use crate::store::ObjectMap;
use crate::wire::{Slash, encode};
use crate::xml::Document;

const MAX_KEYS: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

/// What one page asks for.
struct Ask<'a> {
    prefix: &'a str,
    delimiter: &'a str,
    /// Keys and common prefixes up to and including this one are done.
    after: String,
    max_keys: usize,
}

#[derive(Default)]
struct Page {
    objects: Vec<(String, Arc<StoredObject>)>,
    prefixes: Vec<String>,
    /// The last entry, when there is more.
    next: Option<String>,
}

pub(super) fn list_objects(call: &Call<'_>) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    let version = match call.query.get("list-type") {
        None => Version::V1,
        Some("2") => Version::V2,
        Some(_) => return Err(ApiError::invalid_argument("list-type must be 2.")),
    };
    let text = |name: &str| call.query.get(name).unwrap_or_default();
    let after = match version {
        Version::V1 => text("marker").to_owned(),
        Version::V2 => match call.query.get("continuation-token") {
            Some(token) => decode_token(token)?,
            None => text("start-after").to_owned(),
        },
    };
    let encoding = match text("encoding-type") {
        "" => ListEncoding::Plain,
        "url" => ListEncoding::Url,
        _ => return Err(ApiError::invalid_argument("encoding-type must be url.")),
    };
    let ask = Ask { prefix: text("prefix"), delimiter: text("delimiter"), after, max_keys: max_keys(call)? };
    let page = bucket.with_objects(|objects| ask.page(objects));
    Ok(xml_reply(render(call, version, encoding, &ask, &page)))
}

fn max_keys(call: &Call<'_>) -> Outcome<usize> {
    let Some(text) = call.query.get("max-keys") else {
        return Ok(call.dialect.default_max_keys());
    };
    let keys = text.parse::<usize>().ok();
    let accepted = match call.dialect {
        Dialect::Oss => keys.filter(|keys| (1..=MAX_KEYS).contains(keys)),
        Dialect::Obs => keys.map(|keys| keys.min(MAX_KEYS)),
    };
    accepted.ok_or_else(|| {
        ApiError::invalid_argument("Argument max-keys must be an integer between 1 and 1000.")
            .detail("ArgumentName", "max-keys")
            .detail("ArgumentValue", text)
    })
}

fn decode_token(token: &str) -> Outcome<String> {
    let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.ok_or_else(|| ApiError::invalid_argument("The continuation token is not valid."))
}

impl Ask<'_> {
    fn page(&self, objects: &ObjectMap) -> Page {
        let mut page = Page::default();
        let from = if self.after.as_str() < self.prefix {
            Bound::Included(self.prefix)
        } else {
            Bound::Excluded(self.after.as_str())
        };
        let mut last = String::new();
        for (key, object) in objects.range::<str, _>((from, Bound::Unbounded)) {
            if !key.starts_with(self.prefix) {
                break;
            }
            let rolled_up = self.common_prefix(key);
            let entry = rolled_up.unwrap_or(key);
            let is_done = rolled_up.is_some()
                && (entry == self.after || page.prefixes.last().is_some_and(|p| p == entry));
            if is_done {
                continue;
            }
            if page.objects.len() + page.prefixes.len() == self.max_keys {
                // A page of none ends the listing: it could not say where to go on.
                page.next = Some(last).filter(|last| !last.is_empty());
                break;
            }
            entry.clone_into(&mut last);
            match rolled_up {
                Some(prefix) => page.prefixes.push(prefix.to_owned()),
                None => page.objects.push((key.clone(), Arc::clone(object))),
            }
        }
        page
    }

    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        if self.delimiter.is_empty() {
            return None;
        }
        let at = key[self.prefix.len()..].find(self.delimiter)?;
        Some(&key[..self.prefix.len() + at + self.delimiter.len()])
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ListEncoding {
    Plain,
    Url,
}

impl ListEncoding {
    fn apply(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Plain => Cow::Borrowed(text),
            Self::Url => Cow::Owned(encode(text, Slash::Encode)),
        }
    }
}

fn render(call: &Call<'_>, version: Version, encoding: ListEncoding, ask: &Ask<'_>, page: &Page) -> String {
    let query = |name: &str| call.query.get(name).unwrap_or_default();
    let mut xml = Document::new("ListBucketResult", call.dialect.namespace());
    xml.leaf("Name", call.bucket_name()).leaf("Prefix", &encoding.apply(ask.prefix));
    match version {
        Version::V1 => {
            xml.leaf("Marker", &encoding.apply(query("marker")));
            if let Some(next) = &page.next {
                xml.leaf("NextMarker", &encoding.apply(next));
            }
        }
        Version::V2 => {
            xml.leaf("StartAfter", &encoding.apply(query("start-after")));
            if call.query.has("continuation-token") {
                xml.leaf("ContinuationToken", query("continuation-token"));
            }
            if let Some(next) = &page.next {
                xml.leaf("NextContinuationToken", &URL_SAFE_NO_PAD.encode(next));
            }
            xml.leaf("KeyCount", &(page.objects.len() + page.prefixes.len()).to_string());
        }
    }
    xml.leaf("MaxKeys", &ask.max_keys.to_string()).leaf("Delimiter", &encoding.apply(ask.delimiter));
    if encoding == ListEncoding::Url {
        xml.leaf("EncodingType", "url");
    }
    xml.leaf("IsTruncated", if page.next.is_some() { "true" } else { "false" });
    let owner = version == Version::V1 || query("fetch-owner") == "true";
    for (key, object) in &page.objects {
        xml.group("Contents", |contents| contents_of(call, contents, &encoding.apply(key), object, owner));
    }
    for prefix in &page.prefixes {
        xml.group("CommonPrefixes", |group| {
            group.leaf("Prefix", &encoding.apply(prefix));
        });
    }
    xml.finish()
}

fn contents_of(call: &Call<'_>, xml: &mut Document, key: &str, object: &StoredObject, with_owner: bool) {
    xml.leaf("Key", key)
        .leaf("LastModified", &call.dialect.time(object.last_modified))
        .leaf("ETag", &format!("\"{}\"", object.etag));
    if call.dialect == Dialect::Oss {
        xml.leaf("Type", object.kind.name());
    }
    let class = object.headers.storage_class.as_deref().unwrap_or(call.dialect.default_storage_class());
    xml.leaf("Size", &object.body.len().to_string()).leaf("StorageClass", call.prefix.shown_class(class));
    if with_owner {
        super::bucket::owner(call, xml);
    }
}
