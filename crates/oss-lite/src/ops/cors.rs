//! Reads and sets the cross-origin rules of a bucket.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use md5::{Digest, Md5};

use super::SMALL_ANSWER;
use super::put_options::insert_md5;
use crate::bucket::Bucket;
use crate::client::{Call, Target};
use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind, Retry};
use crate::query::Query;
use crate::xml::{self, Malformed, Node};

/// By which the services say that there are no rules.
const NONE: &str = "NoSuchCORSConfiguration";
/// 100 rules of OBS.
const LARGEST: usize = 8 * SMALL_ANSWER;

/// What pages of other origins may do in a bucket (CORS). The first rule that fits a request counts.
///
/// Lists of origins and of request headers may hold one `*` in each entry; an entry that is `*` fits all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CorsRule {
    /// Such as `https://www.example.com`; at least one.
    pub allowed_origins: Vec<String>,
    /// `GET`, `PUT`, `POST`, `DELETE` and `HEAD`; at least one.
    pub allowed_methods: Vec<Method>,
    /// Headers that a page may send, in any case.
    pub allowed_headers: Vec<String>,
    /// Headers of the answer that a page may read, such as `ETag`. Without `*`.
    pub expose_headers: Vec<String>,
    /// For how long browsers may keep the answer to a preflight, in whole seconds.
    pub max_age: Option<Duration>,
}

impl Bucket {
    /// Replaces all CORS rules of the bucket, by 1 to 10 on OSS and 1 to 100 on OBS.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/putbucketcors),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0074.html).
    pub async fn put_cors(&self, rules: &[CorsRule]) -> Result<(), Error> {
        check(self.dialect(), rules)
            .map_err(|error| error.in_context(|| format!("put CORS rules of bucket {}", self.name())))?;
        let body = document(rules);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        insert_md5(&mut headers, Some(Md5::digest(&body).into()))?;
        let call = Call {
            query: Query::new([("cors", "")]),
            headers,
            body: body.into(),
            action: "PutBucketCors",
            ..Call::new("put CORS rules of", Method::PUT, Target::Bucket)
        };
        self.call(&call, SMALL_ANSWER, |_| Ok(())).await
    }

    /// The CORS rules of the bucket; none if it has no such configuration. Methods that no request can have
    /// are left out.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/getbucketcors),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0075.html).
    pub async fn get_cors(&self) -> Result<Vec<CorsRule>, Error> {
        let call = Call {
            query: Query::new([("cors", "")]),
            action: "GetBucketCors",
            ..Call::new("get CORS rules of", Method::GET, Target::Bucket)
        };
        let rules = self.call(&call, LARGEST, |answer| {
            read(&answer.body).map_err(|why| {
                Error::new(ErrorKind::UnexpectedResponse, format!("unreadable CORS rules: {why}"))
                    .with_retry(Retry::Backoff)
            })
        });
        match rules.await {
            Err(error) if error.code() == Some(NONE) => Ok(Vec::new()),
            rules => rules,
        }
    }

    /// Removes all CORS rules of the bucket; success also when there are none.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/deletebucketcors),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0076.html).
    pub async fn delete_cors(&self) -> Result<(), Error> {
        let call = Call {
            query: Query::new([("cors", "")]),
            action: "DeleteBucketCors",
            ..Call::new("delete CORS rules of", Method::DELETE, Target::Bucket)
        };
        match self.call(&call, SMALL_ANSWER, |_| Ok(())).await {
            Err(error) if error.code() == Some(NONE) => Ok(()),
            outcome => outcome,
        }
    }
}

fn check(dialect: Dialect, rules: &[CorsRule]) -> Result<(), Error> {
    let most = match dialect {
        Dialect::Oss => 10,
        Dialect::Obs => 100,
    };
    if !(1..=most).contains(&rules.len()) {
        return Err(bad(format!("a bucket has 1 to {most} CORS rules, not {}", rules.len())));
    }
    rules.iter().try_for_each(check_rule)
}

fn check_rule(rule: &CorsRule) -> Result<(), Error> {
    if rule.allowed_origins.is_empty() || rule.allowed_methods.is_empty() {
        return Err(bad("a CORS rule needs an origin and a method".to_owned()));
    }
    let usual = [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::HEAD];
    if let Some(method) = rule.allowed_methods.iter().find(|method| !usual.contains(method)) {
        return Err(bad(format!("a CORS rule cannot allow {method}")));
    }
    let texts = || rule.allowed_origins.iter().chain(&rule.allowed_headers).chain(&rule.expose_headers);
    if let Some(text) = texts().find(|text| text.is_empty() || text.chars().any(char::is_control)) {
        return Err(bad(format!("{text:?} is neither an origin nor the name of a header")));
    }
    let mut wild = rule.allowed_origins.iter().chain(&rule.allowed_headers);
    if let Some(text) = wild.find(|text| text.matches('*').count() > 1) {
        return Err(bad(format!("{text:?} has more than one *")));
    }
    if rule.expose_headers.iter().any(|name| name.contains('*')) {
        return Err(bad("the headers that a page may read are named one by one, without *".to_owned()));
    }
    match rule.max_age {
        Some(age) if age.as_secs() > 999_999_999 => Err(bad("the age of a CORS rule is too high".to_owned())),
        _ => Ok(()),
    }
}

fn bad(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

fn document(rules: &[CorsRule]) -> String {
    let mut text = "<CORSConfiguration>".to_owned();
    for rule in rules {
        text.push_str("<CORSRule>");
        elements(&mut text, "AllowedOrigin", rule.allowed_origins.iter().map(String::as_str));
        elements(&mut text, "AllowedMethod", rule.allowed_methods.iter().map(Method::as_str));
        elements(&mut text, "AllowedHeader", rule.allowed_headers.iter().map(String::as_str));
        elements(&mut text, "ExposeHeader", rule.expose_headers.iter().map(String::as_str));
        let age = rule.max_age.map(|age| age.as_secs().to_string());
        elements(&mut text, "MaxAgeSeconds", age.as_deref().into_iter());
        text.push_str("</CORSRule>");
    }
    text.push_str("</CORSConfiguration>");
    text
}

fn elements<'a>(out: &mut String, name: &str, texts: impl Iterator<Item = &'a str>) {
    for text in texts {
        for part in ["<", name, ">"] {
            out.push_str(part);
        }
        xml::escape_into(out, text);
        for part in ["</", name, ">"] {
            out.push_str(part);
        }
    }
}

fn read(body: &[u8]) -> Result<Vec<CorsRule>, Malformed> {
    let mut rules = Vec::new();
    let mut rule = CorsRule::default();
    xml::read(body, "CORSConfiguration", |node| match node {
        Node::Leaf("CORSRule/AllowedOrigin", text) => rule.allowed_origins.push(text),
        Node::Leaf("CORSRule/AllowedMethod", text) => rule.allowed_methods.extend(text.trim().parse().ok()),
        Node::Leaf("CORSRule/AllowedHeader", text) => rule.allowed_headers.push(text),
        Node::Leaf("CORSRule/ExposeHeader", text) => rule.expose_headers.push(text),
        Node::Leaf("CORSRule/MaxAgeSeconds", text) => {
            rule.max_age = text.trim().parse().ok().map(Duration::from_secs);
        }
        Node::Close("CORSRule") => rules.push(std::mem::take(&mut rule)),
        _ => {}
    })?;
    Ok(rules)
}
