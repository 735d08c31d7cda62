//! The requests of the floor: those that the product makes, signed beforehand.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use oss_lite::sign::{Resource, Scheme, SigningParams, SigningRequest, sign_headers, v4};
use oss_lite::{Dialect, ListedObject, ObjectKey, Query};

use crate::Result;
use crate::cloud::Service;
use crate::scene::Load;

/// Objects on a page of a listing.
const PAGE: usize = 1000;

/// Requests as they go over the wire, one after another.
pub(crate) struct Requests {
    pub(crate) text: String,
    pub(crate) listings: usize,
}

/// What the floor sends to copy `objects`, the destination being empty.
pub(crate) fn all(
    load: Load,
    objects: &[ListedObject],
    source: &Service,
    destination: &Service,
) -> Result<Requests> {
    let mut requests = Requests { text: String::new(), listings: 0 };
    if load == Load::Small {
        requests.listing(destination, vec![("max-keys", "1000".into()), ("prefix", load.prefix().into())])?;
        requests.listing(source, page_after(None, load))?;
        // The product asks on where a page was the last of several, and full.
        for page in objects.chunks(PAGE).filter(|page| page.len() == PAGE) {
            let last = page.last().map(|object| object.key.as_str());
            if last != objects.last().map(|object| object.key.as_str()) {
                requests.listing(source, page_after(last, load))?;
            }
        }
    }
    for object in objects {
        requests.object(source, &Method::GET, object, HeaderMap::new())?;
        requests.object(destination, &Method::PUT, object, put_headers(object)?)?;
        requests.object(source, &Method::HEAD, object, HeaderMap::new())?;
    }
    Ok(requests)
}

fn page_after(last: Option<&str>, load: Load) -> Vec<(&'static str, String)> {
    let all = [("encoding-type", "url"), ("list-type", "2"), ("max-keys", "1000"), ("prefix", load.prefix())];
    let query = all.into_iter().chain(last.map(|last| ("start-after", last)));
    query.map(|(name, value)| (name, value.to_owned())).collect()
}

/// Headers of a PUT as the product makes it, but for its CRC-64, which no listing shows.
fn put_headers(object: &ListedObject) -> Result<HeaderMap> {
    let etag = object.etag.as_deref().unwrap_or_default();
    let md5 = STANDARD.encode(hex::decode(etag)?);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert("x-obs-storage-class", HeaderValue::from_static("STANDARD"));
    headers.insert("x-obs-meta-src-etag", HeaderValue::try_from(etag)?);
    headers.insert("content-md5", HeaderValue::try_from(md5)?);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(object.size));
    Ok(headers)
}

impl Requests {
    fn listing(&mut self, service: &Service, query: Vec<(&'static str, String)>) -> Result<()> {
        self.listings += 1;
        let query = Query::new(query);
        let bucket = service.bucket;
        // Each vendor's own way to name a bucket in a path.
        let path = match service.dialect {
            Dialect::Oss => format!("/{bucket}/?{}", query.as_str()),
            Dialect::Obs => format!("/{bucket}?{}", query.as_str()),
        };
        self.add(service, &Method::GET, &path, Resource::BucketInPath(bucket), &query, HeaderMap::new())
    }

    fn object(
        &mut self,
        service: &Service,
        method: &Method,
        object: &ListedObject,
        headers: HeaderMap,
    ) -> Result<()> {
        let key = ObjectKey::new(service.dialect, &object.key)?;
        let bucket = service.bucket;
        let path = format!("/{bucket}/{}", key.encoded());
        self.add(service, method, &path, Resource::Object { bucket, key: &key }, &Query::default(), headers)
    }

    fn add(
        &mut self,
        service: &Service,
        method: &Method,
        path: &str,
        resource: Resource<'_>,
        query: &Query,
        mut headers: HeaderMap,
    ) -> Result<()> {
        let scheme = match service.dialect {
            Dialect::Oss => Scheme::V4(v4::Settings::new(&service.region)),
            Dialect::Obs => Scheme::V1(Dialect::Obs),
        };
        let params = SigningParams { scheme, credentials: &service.credentials(), time: Utc::now() };
        sign_headers(&SigningRequest { method, resource, query }, &mut headers, &params)?;
        headers.insert(HOST, HeaderValue::try_from(service.address())?);
        headers.insert(USER_AGENT, HeaderValue::from_static("floor"));
        write!(self.text, "{method} {path} HTTP/1.1\r\n")?;
        for (name, value) in &headers {
            header(&mut self.text, name, value)?;
        }
        self.text.push_str("\r\n");
        Ok(())
    }
}

fn header(text: &mut String, name: &HeaderName, value: &HeaderValue) -> Result<()> {
    write!(text, "{name}: {}\r\n", value.to_str()?)?;
    Ok(())
}
