//! Which headers the signature covers.

use std::fmt;

use http::{HeaderMap, HeaderName, header};

use crate::error::{Error, ErrorKind};
use crate::header::{X_SDK_DATE, X_SECURITY_TOKEN};
use crate::wire::WireText;

/// The headers of [`SignedHeaderSelection::Minimal`], sorted.
static MINIMAL: [HeaderName; 7] = [
    header::CONTENT_TYPE,
    header::HOST,
    HeaderName::from_static("x-domain-id"),
    HeaderName::from_static("x-project-id"),
    HeaderName::from_static("x-sdk-content-sha256"),
    HeaderName::from_static("x-sdk-date"),
    HeaderName::from_static("x-security-token"),
];

/// Which headers of a request enter its signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignedHeaderSelection<'a> {
    /// `host` and `x-sdk-date`, and whichever is present of `content-type`, `x-domain-id`, `x-project-id`,
    /// `x-sdk-content-sha256` and `x-security-token`: what gives the request its meaning and no proxy
    /// rewrites.
    #[default]
    Minimal,
    /// Every header that is present when signing, except names with `_`, which gateways drop. This is what
    /// the vendor's SDKs do. What the HTTP stack changes afterwards, such as `user-agent` or `accept`,
    /// breaks the signature.
    All,
    /// Exactly these, which must all be present, and always `x-sdk-date` and (if present)
    /// `x-security-token`.
    Only(&'a [HeaderName]),
}

/// A sorted set of header names that holds `x-sdk-date`; displays as names joined by `;`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHeaders(Vec<HeaderName>);

impl SignedHeaders {
    /// Applies `selection` to the headers of a request, to which `x-sdk-date` has been added already.
    pub fn select(selection: SignedHeaderSelection<'_>, headers: &HeaderMap) -> Self {
        let present = |name: &&HeaderName| headers.contains_key(*name);
        match selection {
            SignedHeaderSelection::Minimal => Self(MINIMAL.iter().filter(present).cloned().collect()),
            SignedHeaderSelection::All => {
                let signable = headers
                    .keys()
                    .filter(|name| **name != header::AUTHORIZATION && !name.as_str().contains('_'));
                Self::sorted(signable.cloned().collect())
            }
            SignedHeaderSelection::Only(names) => {
                let token = [&X_SECURITY_TOKEN].into_iter().filter(present);
                Self::sorted(names.iter().chain([&X_SDK_DATE]).chain(token).cloned().collect())
            }
        }
    }

    /// Reads the `SignedHeaders` part of an `authorization` header: lower-case names in ascending order, each
    /// once, with `x-sdk-date` among them and without `authorization`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let malformed = |message| Error::new(ErrorKind::MalformedAuthorization, message);
        let names = text
            .split(';')
            .map(|name| HeaderName::from_lowercase(name.as_bytes()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| malformed("signed headers are not lower-case header names").with_source(e))?;
        if !names.is_sorted_by(|a, b| a.as_str() < b.as_str()) {
            return Err(malformed("signed headers are not in ascending order"));
        }
        if names.contains(&header::AUTHORIZATION) {
            return Err(malformed("authorization cannot sign itself"));
        }
        if !names.contains(&X_SDK_DATE) {
            return Err(malformed("x-sdk-date is not among the signed headers"));
        }
        Ok(Self(names))
    }

    /// The names in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.iter()
    }

    fn sorted(mut names: Vec<HeaderName>) -> Self {
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        Self(names)
    }
}

impl WireText for SignedHeaders {
    fn for_each_piece(&self, sink: &mut impl FnMut(&[u8])) {
        for (index, name) in self.0.iter().enumerate() {
            if index > 0 {
                sink(b";");
            }
            sink(name.as_str().as_bytes());
        }
    }
}

impl fmt::Display for SignedHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_wire(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_selected_twice_is_signed_once() {
        let names = [header::HOST, X_SDK_DATE.clone(), header::HOST];
        let selected = SignedHeaders::select(SignedHeaderSelection::Only(&names), &HeaderMap::new());
        assert_eq!(selected.to_string(), "host;x-sdk-date");
    }

    #[test]
    fn parses_its_own_text() {
        let text = "content-type;host;x-sdk-date";
        assert_eq!(SignedHeaders::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn refuses_lists_that_a_signer_cannot_have_meant() {
        for text in [
            "",
            "host",
            "x-sdk-date;host",
            "x-sdk-date;x-sdk-date",
            "Host;x-sdk-date",
            "host;;x-sdk-date",
            "host;x-sdk-date;",
            "host, x-sdk-date",
            "authorization;x-sdk-date",
        ] {
            let error = SignedHeaders::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::MalformedAuthorization, "{text:?}");
        }
    }
}
