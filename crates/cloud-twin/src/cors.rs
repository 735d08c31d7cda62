//! Cross-origin rules of a bucket: a document of them, and what it allows.
//!
//! See <https://www.alibabacloud.com/help/en/oss/developer-reference/putbucketcors>; OBS goes by the same
//! rules.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use crate::error::{ApiError, Outcome};
use crate::reply::insert_text;
use crate::xml::{self, Node};

const MAX_RULES: usize = 10;
const METHODS: [&str; 5] = ["GET", "PUT", "DELETE", "POST", "HEAD"];

/// The rules of a bucket.
#[derive(Debug)]
pub(crate) struct Cors {
    /// As it was put.
    pub(crate) document: Bytes,
    pub(crate) rules: Vec<CorsRule>,
    /// Whether every answer says that it depends on the origin.
    pub(crate) vary: bool,
}

#[derive(Debug, Default)]
pub(crate) struct CorsRule {
    origins: Vec<String>,
    methods: Vec<String>,
    headers: Vec<String>,
    exposed: Vec<String>,
    max_age: Option<u32>,
}

impl Cors {
    pub(crate) fn parse(document: Bytes) -> Outcome<Self> {
        let mut nodes = xml::parse(&document)?.into_iter();
        if nodes.next() != Some(Node::Open("CORSConfiguration".to_owned())) {
            return Err(ApiError::malformed_xml());
        }
        let mut rules = Vec::new();
        let mut rule = CorsRule::default();
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

    pub(crate) fn rule_for(&self, origin: &str, method: &str) -> Option<&CorsRule> {
        self.rules.iter().find(|rule| rule.allows(origin, method))
    }
}

impl CorsRule {
    fn checked(self) -> Outcome<Self> {
        let one_star = |pattern: &String| pattern.matches('*').count() <= 1;
        let known = self.methods.iter().all(|method| METHODS.contains(&method.as_str()));
        let whole = !self.origins.is_empty() && !self.methods.is_empty();
        let patterns = self.origins.iter().chain(&self.headers).all(one_star);
        // A header that is exposed is named in full.
        let exposed = self.exposed.iter().all(|name| !name.contains('*'));
        if known && whole && patterns && exposed { Ok(self) } else { Err(ApiError::malformed_xml()) }
    }

    pub(crate) fn allows(&self, origin: &str, method: &str) -> bool {
        self.methods.iter().any(|allowed| allowed == method)
            && self.origins.iter().any(|pattern| matches(pattern, origin))
    }

    pub(crate) fn allows_headers(&self, list: &str) -> bool {
        let mut names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.all(|name| {
            let name = name.to_ascii_lowercase();
            self.headers.iter().any(|pattern| matches(&pattern.to_ascii_lowercase(), &name))
        })
    }

    pub(crate) fn write(&self, origin: &str, vary: bool, headers: &mut HeaderMap) {
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
