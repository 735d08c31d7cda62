//! What an uploader asks for: the `callback` and `callback-var` arguments, and their limits.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Uri};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::{ApiError, Outcome};
use crate::wire::{Query, header};

const MAX_ARGUMENT: usize = 5 << 10;
const MAX_URLS: usize = 5;

/// How the values of variables are written into the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum BodyType {
    #[default]
    #[serde(rename = "application/x-www-form-urlencoded")]
    Form,
    #[serde(rename = "application/json")]
    Json,
}

impl BodyType {
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
        }
    }
}

/// A callback as it was asked for, checked.
#[derive(Debug)]
pub(crate) struct Order {
    /// Tried one after the other; at least one.
    pub(crate) urls: Vec<Uri>,
    pub(crate) host: Option<String>,
    pub(crate) template: String,
    pub(crate) body_type: BodyType,
    /// Custom variables by name, `x:` included.
    pub(crate) custom: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Argument {
    callback_url: String,
    #[serde(default)]
    callback_host: Option<String>,
    callback_body: String,
    #[serde(default)]
    callback_body_type: BodyType,
    /// Means something with TLS only.
    #[serde(default, rename = "callbackSNI")]
    _sni: bool,
}

impl Order {
    /// The order in the headers or in the query, if there is one.
    pub(crate) fn of_request(headers: &HeaderMap, query: &Query) -> Outcome<Option<Self>> {
        let in_header = |name: &str| headers.contains_key(name).then(|| header(headers, name));
        let in_query = |name: &str| query.get(name).map(str::to_owned);
        let one = |first: Option<String>, second: Option<String>, name: &'static str| match (first, second) {
            (Some(_), Some(_)) => {
                Err(invalid(name, "The callback is given both in a header and in the query."))
            }
            (first, second) => Ok(first.or(second)),
        };
        let callback = one(in_header("x-oss-callback"), in_query("callback"), "callback")?;
        let custom = one(in_header("x-oss-callback-var"), in_query("callback-var"), "callback-var")?;
        let custom = custom.map(|text| custom_variables(&text)).transpose()?;
        callback.map(|text| Self::parse(&text, custom.unwrap_or_default())).transpose()
    }

    /// The order in the field `callback` of a form, whose custom variables are fields of their own.
    pub(crate) fn parse(text: &str, custom: BTreeMap<String, String>) -> Outcome<Self> {
        let document = decode("callback", text)?;
        let Argument { callback_url, callback_host, callback_body, callback_body_type, .. } =
            serde_json::from_slice::<Map<String, Value>>(&document)
                .and_then(|object| serde_json::from_value(object.into()))
                .map_err(|_| invalid("callback", "The callback configuration is not json format."))?;
        if callback_body.is_empty() {
            return Err(invalid("callback", "The callbackBody must not be empty.").ec("0007-00000011"));
        }
        if callback_host.as_deref().is_some_and(|host| host.parse::<http::uri::Authority>().is_err()) {
            return Err(invalid("callback", "The callbackHost is invalid."));
        }
        Ok(Self {
            urls: urls(&callback_url)?,
            host: callback_host,
            template: callback_body,
            body_type: callback_body_type,
            custom,
        })
    }
}

fn decode(name: &'static str, text: &str) -> Outcome<Vec<u8>> {
    if text.len() > MAX_ARGUMENT {
        return Err(invalid(name, "The callback configuration is too long."));
    }
    STANDARD
        .decode(text)
        .map_err(|_| invalid(name, "The callback configuration is not base64 encoded.").ec("0007-00000002"))
}

fn urls(list: &str) -> Outcome<Vec<Uri>> {
    let given: Vec<_> = list.split(';').map(str::trim).filter(|url| !url.is_empty()).collect();
    if given.is_empty() {
        return Err(invalid("callback", "The callbackUrl must not be empty."));
    }
    if given.len() > MAX_URLS {
        return Err(invalid("callback", "The callbackUrl contains more than 5 urls.").ec("0007-00000005"));
    }
    let invalid_url = || invalid("callback", "The callbackUrl is invalid.");
    given.into_iter().map(|url| parse_url(url).ok_or_else(invalid_url)).collect()
}

/// HTTP is meant where no scheme is named. OSS does not call IPv6 addresses.
fn parse_url(url: &str) -> Option<Uri> {
    let uri: Uri =
        if url.contains("://") { url.parse().ok()? } else { format!("http://{url}").parse().ok()? };
    let host = uri.host().filter(|host| !host.is_empty())?;
    let is_ipv6 = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_ipv6());
    (matches!(uri.scheme_str(), Some("http" | "https")) && !is_ipv6).then_some(uri)
}

fn custom_variables(text: &str) -> Outcome<BTreeMap<String, String>> {
    let document = decode("callback-var", text)?;
    let variables: BTreeMap<String, String> = serde_json::from_slice(&document)
        .map_err(|_| invalid("callback-var", "The callback-var configuration is not json format."))?;
    if variables.keys().all(|name| is_custom_name(name)) {
        return Ok(variables);
    }
    Err(invalid("callback-var", "The names of custom variables must begin with x: and be in lower case."))
}

pub(crate) fn is_custom_name(name: &str) -> bool {
    name.strip_prefix("x:").is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_uppercase))
}

fn invalid(name: &'static str, message: &'static str) -> ApiError {
    ApiError::invalid_argument(message).detail("ArgumentName", name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(argument: &Value) -> Outcome<Order> {
        Order::parse(&STANDARD.encode(argument.to_string()), BTreeMap::new())
    }

    #[test]
    fn an_order_names_servers_and_a_body() {
        let order = parse(&json!({
            "callbackUrl": "http://127.0.0.1:1/a; 127.0.0.1:2/b;https://example.com/c;",
            "callbackBody": "x=${size}",
            "callbackSNI": true,
            "unknown": [1],
        }))
        .unwrap();
        let urls: Vec<_> = order.urls.iter().map(Uri::to_string).collect();
        assert_eq!(urls, ["http://127.0.0.1:1/a", "http://127.0.0.1:2/b", "https://example.com/c"]);
        assert_eq!((order.template.as_str(), order.body_type), ("x=${size}", BodyType::Form));
    }

    #[test]
    fn what_is_wrong_about_an_order_is_refused() {
        let url = "http://127.0.0.1/";
        let long = "x".repeat(MAX_ARGUMENT);
        let six = [url; 6].join(";");
        for argument in [
            json!({"callbackUrl": url}),
            json!({"callbackBody": "x"}),
            json!({"callbackUrl": "", "callbackBody": "x"}),
            json!({"callbackUrl": url, "callbackBody": ""}),
            json!({"callbackUrl": "http://[::1]/", "callbackBody": "x"}),
            json!({"callbackUrl": "ftp://127.0.0.1/", "callbackBody": "x"}),
            json!({"callbackUrl": six, "callbackBody": "x"}),
            json!({"callbackUrl": url, "callbackBody": "x", "callbackBodyType": "text/plain"}),
            json!({"callbackUrl": url, "callbackBody": "x", "callbackSNI": "yes"}),
            json!({"callbackUrl": url, "callbackBody": "x", "callbackHost": "a b"}),
            json!({"callbackUrl": url, "callbackBody": long}),
            json!([url, null, "x"]),
        ] {
            assert_eq!(parse(&argument).unwrap_err().code(), "InvalidArgument", "{argument}");
        }
        for text in ["x123-*&", "", "bm90IGpzb24="] {
            assert_eq!(Order::parse(text, BTreeMap::new()).unwrap_err().code(), "InvalidArgument", "{text}");
        }
    }

    #[test]
    fn custom_variables_are_named_in_lower_case_after_x() {
        let encoded = |document: Value| STANDARD.encode(document.to_string());
        assert!(custom_variables(&encoded(json!({"x:a_b": "1"}))).is_ok());
        for wrong in
            [json!({"a": "1"}), json!({"x:A": "1"}), json!({"x:": "1"}), json!({"x:a": 1}), json!([])]
        {
            assert!(custom_variables(&encoded(wrong.clone())).is_err(), "{wrong}");
        }
    }
}
