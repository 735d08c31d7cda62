//! What an upload asks OSS to do.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, HeaderValue};
use percent_encoding::percent_decode_str;
use reqwest::Url;

use super::body::{CallbackBody, CallbackBodyType};
use crate::error::{Error, ErrorKind};
use crate::json;

/// Of each parameter, encoded.
const LONGEST: usize = 5 * 1024;
const MOST_URLS: usize = 5;
/// That OSS gives each URL.
const PATIENCE: Duration = Duration::from_secs(5);

/// A callback.
///
/// `Debug` shows no values of the body and of custom variables.
#[derive(Clone)]
pub struct CallbackRequest {
    urls: Vec<String>,
    host: Option<String>,
    body: CallbackBody,
    names_server: bool,
    custom: Vec<(String, String)>,
}

impl CallbackRequest {
    /// Calls one URL, which is `http` or `https`, percent-encoded, and without user, fragment and semicolon.
    /// Hosts that are IPv6 addresses are not supported by OSS.
    pub fn new(url: impl Into<String>, body: CallbackBody) -> Self {
        Self { urls: vec![url.into()], host: None, body, names_server: false, custom: Vec::new() }
    }

    /// One more URL, which is called if those before fail; at most 5 altogether.
    #[must_use]
    pub fn or_url(mut self, url: impl Into<String>) -> Self {
        self.urls.push(url.into());
        self
    }

    /// The `Host` header of the call. Default: as in the URL.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Names the host in the TLS handshake (SNI), which servers with several certificates need. Default: it
    /// does not.
    #[must_use]
    pub fn with_sni(mut self) -> Self {
        self.names_server = true;
        self
    }

    /// A variable of one's own for [`Variable::Custom`](super::Variable::Custom): `x:` and this name, which
    /// is of `a-z`, `0-9`, `_` and `-`.
    #[must_use]
    pub fn custom(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.custom.push((name.into(), value.into()));
        self
    }

    /// Checks the limits above, and that neither parameter is longer than 5 KiB, and encodes both.
    pub fn encode(&self) -> Result<Callback, Error> {
        self.check_urls()?;
        self.check_custom()?;
        let mut members = vec![("callbackUrl", json::string(&self.urls.join(";")))];
        if let Some(host) = &self.host {
            check_host(host)?;
            members.push(("callbackHost", json::string(host)));
        }
        members.push(("callbackBody", json::string(&self.body.template(&self.custom)?)));
        if self.body.body_type() == CallbackBodyType::Json {
            members.push(("callbackBodyType", json::string("application/json")));
        }
        if self.names_server {
            members.push(("callbackSNI", "true".to_owned()));
        }
        let custom: Vec<(String, String)> =
            self.custom.iter().map(|(name, value)| (format!("x:{name}"), value.clone())).collect();
        let vars = custom.iter().map(|(name, value)| (name.as_str(), json::string(value)));
        let vars = if custom.is_empty() { None } else { Some(encoded("custom variables", vars)?) };
        let parameter = encoded("callback", members)?;
        Ok(Callback { parameter, vars, custom, patience: self.urls.iter().map(|_| PATIENCE).sum() })
    }

    fn check_urls(&self) -> Result<(), Error> {
        if self.urls.len() > MOST_URLS {
            return Err(bad(format!("a callback has at most {MOST_URLS} URLs, not {}", self.urls.len())));
        }
        self.urls.iter().try_for_each(|url| check_url(url))
    }

    fn check_custom(&self) -> Result<(), Error> {
        let good =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
        for (at, (name, _)) in self.custom.iter().enumerate() {
            if name.is_empty() || !name.bytes().all(good) {
                return Err(bad(format!(
                    "the custom variable {name:?} is not made of a-z, 0-9, '_' and '-'"
                )));
            }
            if self.custom[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(bad(format!("there are two custom variables {name:?}")));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for CallbackRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackRequest")
            .field("urls", &self.urls)
            .field("host", &self.host)
            .field("body", &self.body)
            .field("custom", &self.custom.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

fn check_url(text: &str) -> Result<(), Error> {
    let wrong = |why: &str| bad(format!("the callback URL {text:?} {why}"));
    if text.contains(';') {
        return Err(wrong("has a semicolon, by which OSS separates URLs; write %3B"));
    }
    let url = Url::parse(text).map_err(|error| wrong("is no URL").with_source(error))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("is neither http nor https"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(wrong("has a user or a fragment"));
    }
    if percent_decode_str(url.path()).any(|byte| matches!(byte, b'?' | b'\n')) {
        return Err(wrong(
            "has a question mark or a line feed in its path, with which no call can be verified",
        ));
    }
    if url.host_str().is_none_or(|host| host.starts_with('[')) {
        return Err(wrong("names an IPv6 address, which OSS does not call"));
    }
    // The host may stand alone, without the slash that is meant.
    let read_back = url.as_str();
    if read_back != text && read_back.strip_suffix('/') != Some(text) {
        return Err(wrong(&format!("is not in its plain form; write {read_back}")));
    }
    Ok(())
}

fn check_host(host: &str) -> Result<(), Error> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
    if host.is_empty() || !host.bytes().all(good) {
        return Err(bad(format!("the callback host {host:?} is no host")));
    }
    Ok(())
}

fn encoded<'a>(what: &str, members: impl IntoIterator<Item = (&'a str, String)>) -> Result<String, Error> {
    let members: Vec<String> =
        members.into_iter().map(|(name, value)| format!("{}:{value}", json::string(name))).collect();
    let encoded = BASE64.encode(format!("{{{}}}", members.join(",")));
    if encoded.len() > LONGEST {
        return Err(bad(format!("the {what} takes {} bytes, more than {LONGEST}", encoded.len())));
    }
    Ok(encoded)
}

fn bad(message: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

/// A callback within all limits, encoded for every way to ask for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    parameter: String,
    vars: Option<String>,
    custom: Vec<(String, String)>,
    patience: Duration,
}

impl Callback {
    /// The parameter `callback`: base64 of JSON.
    pub fn parameter(&self) -> &str {
        &self.parameter
    }

    /// The parameter `callback-var`: base64 of JSON. `None` without custom variables.
    pub fn vars(&self) -> Option<&str> {
        self.vars.as_deref()
    }

    /// For [`PresignOptions::query`](crate::PresignOptions::query): a URL by which one object is stored and
    /// the server called.
    pub fn query(&self) -> Vec<(String, String)> {
        let vars = self.vars.iter().map(|vars| ("callback-var".to_owned(), vars.clone()));
        [("callback".to_owned(), self.parameter.clone())].into_iter().chain(vars).collect()
    }

    /// The fields of a form: `callback`, and one for each custom variable.
    pub fn form_fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let custom = self.custom.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        [("callback", self.parameter.as_str())].into_iter().chain(custom)
    }

    pub(crate) fn insert_headers(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        let value = |text: &str| {
            let mut value = HeaderValue::from_str(text)
                .map_err(|error| bad("the callback is no header value".to_owned()).with_source(error))?;
            value.set_sensitive(true);
            Ok::<_, Error>(value)
        };
        headers.insert("x-oss-callback", value(&self.parameter)?);
        if let Some(vars) = &self.vars {
            headers.insert("x-oss-callback-var", value(vars)?);
        }
        Ok(())
    }

    /// How much longer an upload may take because of the callback.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }
}

/// Without the parameters, whose body may hold secrets.
impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let custom: Vec<&String> = self.custom.iter().map(|(name, _)| name).collect();
        f.debug_struct("Callback").field("custom", &custom).finish_non_exhaustive()
    }
}
