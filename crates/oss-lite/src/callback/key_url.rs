//! The address of the public key, which must be one of OSS.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Url;

use super::error::{CallbackError, CallbackErrorKind};

const HOST: &str = "gosspublic.alicdn.com";
/// With the slash, without which `gosspublic.alicdn.com.example.com` would pass.
pub(super) const TRUSTED: [&str; 2] = ["http://gosspublic.alicdn.com/", "https://gosspublic.alicdn.com/"];
/// Of the header. Real ones have 72 characters.
const LONGEST: usize = 1024;

/// The URL of a public key of OSS, on the one host that has them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyUrl(String);

impl KeyUrl {
    /// The text of the URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the key is that every callback names today.
    pub(super) fn published(trusted: &str) -> Self {
        Self([trusted, "callback_pub_key_v1.pem"].concat())
    }

    pub(super) fn url(&self) -> Option<Url> {
        Url::parse(&self.0).ok()
    }
}

impl fmt::Debug for KeyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for KeyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads the header `x-oss-pub-key-url`, which is base64 of a URL. Whoever calls chooses it, so only URLs of
/// `gosspublic.alicdn.com` are taken, and of these only what a URL library reads back byte for byte: no user,
/// port, fragment, dot segments, and nothing that two parsers could read differently.
pub fn key_url(header: &str) -> Result<KeyUrl, CallbackError> {
    let malformed = |why: &str| CallbackError::new(CallbackErrorKind::Malformed, why);
    if header.len() > LONGEST {
        return Err(malformed("the URL of the public key is too long"));
    }
    let bytes = BASE64
        .decode(header)
        .map_err(|error| malformed("the URL of the public key is not base64").with_source(error))?;
    let text = String::from_utf8(bytes)
        .map_err(|error| malformed("the URL of the public key is not text").with_source(error))?;
    let untrusted = || {
        CallbackError::new(
            CallbackErrorKind::UntrustedKey,
            format!("{text:?} is no URL of a public key of OSS"),
        )
    };
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if !plain || !TRUSTED.iter().any(|trusted| text.starts_with(trusted)) {
        return Err(untrusted());
    }
    let url = Url::parse(&text).map_err(|error| untrusted().with_source(error))?;
    let bare = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    if url.as_str() != text || url.host_str() != Some(HOST) || !bare || url.fragment().is_some() {
        return Err(untrusted());
    }
    Ok(KeyUrl(text))
}
