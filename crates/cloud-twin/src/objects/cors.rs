//! Cross-origin rules of a bucket: kept, given back, and applied to preflights and answers.
//!
//! See <https://www.alibabacloud.com/help/en/oss/developer-reference/putbucketcors>; OBS goes by the same rules.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use super::body::{BodyError, MAX_DOCUMENT, receive};
use super::{Call, Dialect};
use crate::body::{ReplyBody, RequestBody};
use crate::error::{ApiError, Outcome, Reply, insert_text};
use crate::store::Bucket;
use crate::sync::lock;
use crate::wire;
use crate::xml::{self, Node};

const MAX_RULES: usize = 10;
const METHODS: [&str; 5] = ["GET", "PUT", "DELETE", "POST", "HEAD"];

/// The rules of a bucket.
#[derive(Debug)]
pub(crate) struct Cors {
    /// As it was put.
    document: Bytes,
    rules: Vec<Rule>,
    /// Whether every answer says that it depends on the origin.
    vary: bool,
}

#[derive(Debug, Default)]
struct Rule {
    origins: Vec<String>,
    methods: Vec<String>,
    headers: Vec<String>,
    exposed: Vec<String>,
    max_age: Option<u32>,
}

impl Cors {
    fn parse(document: Bytes) -> Outcome<Self> {
        let mut nodes = xml::parse(&document)?.into_iter();
        if nodes.next() != Some(Node::Open("CORSConfiguration".to_owned())) {
            return Err(ApiError::malformed_xml());
        }
        let mut rules = Vec::new();
        let mut rule = Rule::default();
        let mut vary = false;
        for node in nodes {
            let Node::Close { name, text } = node else { continue };
            let text = text.trim().to_owned();
            match name.as_str() {
                "AllowedOrigin" => rule.origins.push(text),
                "AllowedMethod" => rule.methods.push(text),
                "AllowedHeader" => rule.headers.push(text),
                "ExposeHeader" => rule.exposed.push(text),
                "MaxAgeSeconds" => {
                    rule.max_age = Some(text.parse().map_err(|_| ApiError::malformed_xml())?);
                }
                "ResponseVary" => vary = text == "true",
                "CORSRule" => rules.push(std::mem::take(&mut rule).checked()?),
                _ => {}
            }
        }
        if !(1..=MAX_RULES).contains(&rules.len()) {
            return Err(ApiError::malformed_xml());
        }
        Ok(Self { document, rules, vary })
    }

    fn rule_for(&self, origin: &str, method: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.allows(origin, method))
    }
}

impl Rule {
    fn checked(self) -> Outcome<Self> {
        let one_star = |pattern: &String| pattern.matches('*').count() <= 1;
        let known = self.methods.iter().all(|method| METHODS.contains(&method.as_str()));
        let whole = !self.origins.is_empty() && !self.methods.is_empty();
        let patterns = self.origins.iter().chain(&self.headers).all(one_star);
        // A header that is exposed is named in full.
        let exposed = self.exposed.iter().all(|name| !name.contains('*'));
        if known && whole && patterns && exposed { Ok(self) } else { Err(ApiError::malformed_xml()) }
    }

    fn allows(&self, origin: &str, method: &str) -> bool {
        self.methods.iter().any(|allowed| allowed == method)
            && self.origins.iter().any(|pattern| matches(pattern, origin))
    }

    fn allows_headers(&self, list: &str) -> bool {
        let mut names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.all(|name| {
            let name = name.to_ascii_lowercase();
            self.headers.iter().any(|pattern| matches(&pattern.to_ascii_lowercase(), &name))
        })
    }

    fn write(&self, origin: &str, vary: bool, headers: &mut HeaderMap) {
        let any = self.origins.iter().any(|pattern| pattern == "*");
        let origin = if any { "*" } else { origin };
        insert_text(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        insert_text(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &self.methods.join(", "));
        if !self.exposed.is_empty() {
            insert_text(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &self.exposed.join(", "));
        }
        if let Some(seconds) = self.max_age {
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, seconds.into());
        }
        if vary || !any {
            headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        }
    }
}

/// Whether a text fits a pattern with at most one `*`.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
        None => pattern == text,
    }
}

pub(super) async fn put(call: &Call<'_>, body: RequestBody) -> Result<Reply, BodyError> {
    let bucket = call.bucket()?;
    let (body, _) = receive(call.dialect, &call.parts.headers, body, MAX_DOCUMENT).await?;
    *lock(&bucket.cors) = Some(Cors::parse(body.to_bytes())?);
    Ok(Response::new(ReplyBody::default()))
}

pub(super) fn get(call: &Call<'_>) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    let document = lock(&bucket.cors).as_ref().map(|cors| cors.document.clone());
    let document = document.ok_or_else(|| {
        let message = "The CORS Configuration does not exist.";
        ApiError::new(StatusCode::NOT_FOUND, "NoSuchCORSConfiguration", message)
            .detail("BucketName", call.bucket_name())
    })?;
    let mut reply = Response::new(ReplyBody::from(document));
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    Ok(reply)
}

pub(super) fn delete(call: &Call<'_>) -> Outcome<Reply> {
    *lock(&call.bucket()?.cors) = None;
    let mut reply = Response::new(ReplyBody::default());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    Ok(reply)
}

/// `OPTIONS`: asked by browsers before a request, unsigned.
pub(super) fn preflight(call: &Call<'_>) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    let cors = lock(&bucket.cors);
    let Some(cors) = cors.as_ref() else {
        return Err(forbidden(call.dialect, "CORSResponse: CORS is not enabled for this bucket."));
    };
    let asked = |name: header::HeaderName| wire::header(&call.parts.headers, name.as_str());
    let (origin, method) = (asked(header::ORIGIN), asked(header::ACCESS_CONTROL_REQUEST_METHOD));
    let wanted = asked(header::ACCESS_CONTROL_REQUEST_HEADERS);
    let mut rules = cors.rules.iter().filter(|rule| rule.allows(&origin, &method));
    let Some(rule) = rules.find(|rule| rule.allows_headers(&wanted)) else {
        let message = "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, \
                       request method / Access-Control-Request-Method or Access-Control-Request-Headers are not \
                       whitelisted by the resource's CORS spec.";
        return Err(forbidden(call.dialect, message));
    };
    let mut reply = Response::new(ReplyBody::default());
    rule.write(&origin, cors.vary, reply.headers_mut());
    if !wanted.is_empty() {
        insert_text(reply.headers_mut(), header::ACCESS_CONTROL_ALLOW_HEADERS, &wanted);
    }
    Ok(reply)
}

fn forbidden(dialect: Dialect, message: &'static str) -> ApiError {
    let code = match dialect {
        Dialect::Oss => "AccessForbidden",
        Dialect::Obs => "AccessDenied",
    };
    ApiError::forbidden(code, message)
}

/// Adds what a browser wants to see on the answer to a request of another origin, be it a refusal.
pub(super) fn decorate(bucket: &Bucket, request: &HeaderMap, method: &Method, reply: &mut HeaderMap) {
    if let Some(cors) = lock(&bucket.cors).as_ref() {
        let origin = wire::header(request, header::ORIGIN.as_str());
        if let Some(rule) = cors.rule_for(&origin, method.as_str()).filter(|_| !origin.is_empty()) {
            rule.write(&origin, cors.vary, reply);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(fields: &str) -> Outcome<Cors> {
        let text = format!("<CORSConfiguration><CORSRule>{fields}</CORSRule></CORSConfiguration>");
        Cors::parse(text.into())
    }

    #[test]
    fn a_rule_needs_an_origin_and_a_known_method() {
        let origin = "<AllowedOrigin>https://*.example.com</AllowedOrigin>";
        let method = "<AllowedMethod>PUT</AllowedMethod>";
        let cors = rule(&format!("{origin}{method}")).unwrap();
        assert!(cors.rule_for("https://a.example.com", "PUT").is_some());
        assert!(cors.rule_for("https://a.example.com", "GET").is_none());
        assert!(cors.rule_for("https://example.com", "PUT").is_none());
        let two_stars = "<AllowedOrigin>*.*</AllowedOrigin>";
        for wrong in [
            origin.to_owned(),
            method.to_owned(),
            format!("{two_stars}{method}"),
            format!("{origin}<AllowedMethod>put</AllowedMethod>"),
            format!("{origin}{method}<ExposeHeader>x-*</ExposeHeader>"),
            format!("{origin}{method}<MaxAgeSeconds>soon</MaxAgeSeconds>"),
        ] {
            assert!(rule(&wrong).is_err(), "{wrong}");
        }
        let many = "<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>"
            .repeat(11);
        assert!(Cors::parse(format!("<CORSConfiguration>{many}</CORSConfiguration>").into()).is_err());
        assert!(Cors::parse("<CORSConfiguration></CORSConfiguration>".into()).is_err());
        assert!(Cors::parse("<Other/>".into()).is_err());
    }

    #[test]
    fn headers_match_in_any_case_and_by_pattern() {
        let headers = "<AllowedHeader>x-oss-*</AllowedHeader><AllowedHeader>Content-Type</AllowedHeader>";
        let cors =
            rule(&format!("<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>{headers}"))
                .unwrap();
        let rule = &cors.rules[0];
        assert!(rule.allows_headers("X-OSS-Date, content-type") && rule.allows_headers(""));
        assert!(!rule.allows_headers("x-oss-date, authorization"));
    }
}
