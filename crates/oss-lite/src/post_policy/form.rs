//! The fields of a signed form.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::check::{FILE_NAME, bad, check_value};
use super::document::Conditions;
use super::{ContentTypes, KeyRule, PostPolicy, PostTarget};
use crate::callback::Callback;
use crate::config::SignatureVersion;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::sign::{Scheme, SigningParams, v1, v4};

const TOKEN: &str = "x-oss-security-token";

/// A signed form, ready to send. Whoever has it can upload, so `Debug` masks what it is signed with.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostForm {
    /// Where to send it by `POST`, as `multipart/form-data`.
    pub url: String,
    /// Names and values in the order to send them, `key` first. The content follows as the last field,
    /// `file`.
    pub fields: Vec<(String, String)>,
    /// When OSS refuses it from, unless the credentials end before. To the second.
    pub expires_at: DateTime<Utc>,
    pub(super) version: SignatureVersion,
    /// What keys must begin with, unless there is one key.
    pub(super) prefix: Option<String>,
}

impl PostForm {
    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for PostForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mask = |(name, value): &(String, String)| {
            let open = ["key", "content-type", "x-oss-credential", "x-oss-date", "x-oss-signature-version"];
            let shown = open.iter().any(|open| name.eq_ignore_ascii_case(open));
            (name.clone(), if shown { value.clone() } else { "******".to_owned() })
        };
        f.debug_struct("PostForm")
            .field("url", &self.url)
            .field("fields", &self.fields.iter().map(mask).collect::<Vec<_>>())
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

pub(super) fn sign(
    policy: &PostPolicy,
    target: PostTarget<'_>,
    params: &SigningParams<'_>,
) -> Result<PostForm, Error> {
    let version = match params.scheme {
        Scheme::V4(_) => SignatureVersion::V4,
        Scheme::V1(Dialect::Oss) => SignatureVersion::V1,
        Scheme::V1(Dialect::Obs) => return Err(bad("forms are signed for OSS only")),
    };
    policy.check(version)?;
    let expires_at = end(params.time, policy.valid_for)?;
    policy.check_fields(given_fields(policy))?;
    let fixed = fixed_fields(policy);
    let token = params.credentials.security_token();
    let signer = FormSigner::new(params);
    let document = document(policy, target, &signer, token, &fixed).into_policy(expires_at);
    let encoded = BASE64.encode(document);
    check_value("policy", &encoded)?;
    let (key, prefix) = match &policy.key {
        KeyRule::Exact(key) => (key.clone(), None),
        KeyRule::Prefix(prefix) => ([prefix, FILE_NAME].concat(), Some(prefix.clone())),
    };
    let mut fields = vec![("key".to_owned(), key)];
    fields.extend(fixed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    fields.extend(signer.fields(params, encoded));
    fields.extend(token.map(|token| (TOKEN.to_owned(), token.expose_secret().to_owned())));
    Ok(PostForm { url: target.url.to_owned(), fields, expires_at, version, prefix })
}

fn end(time: DateTime<Utc>, valid_for: Duration) -> Result<DateTime<Utc>, Error> {
    let seconds = i64::try_from(valid_for.as_secs()).ok().and_then(TimeDelta::try_seconds);
    let start = DateTime::from_timestamp(time.timestamp(), 0);
    let end = start.zip(seconds).and_then(|(start, seconds)| start.checked_add_signed(seconds));
    // Years beyond have more than four digits.
    let end = end.filter(|end| *end < DateTime::from_timestamp(253_402_300_800, 0).unwrap_or_default());
    end.ok_or_else(|| bad("the validity of the form ends beyond all dates"))
}

/// All that is sent with exactly one value, except the key and the signature.
fn fixed_fields(policy: &PostPolicy) -> Vec<(&str, &str)> {
    let only = match &policy.content_types {
        Some(ContentTypes::Exact(only)) => Some(("Content-Type", only.as_str())),
        _ => None,
    };
    only.into_iter().chain(given_fields(policy)).collect()
}

/// Those whose names the caller chooses, and those of the callback.
fn given_fields(policy: &PostPolicy) -> impl Iterator<Item = (&str, &str)> {
    let callback = policy.callback.iter().flat_map(Callback::form_fields);
    policy.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(callback)
}

fn document(
    policy: &PostPolicy,
    target: PostTarget<'_>,
    signer: &FormSigner,
    token: Option<&SecretString>,
    fixed: &[(&str, &str)],
) -> Conditions {
    let mut conditions = Conditions::default();
    conditions.is("bucket", target.bucket);
    if let FormSigner::V4 { credential, date, .. } = signer {
        conditions.is("x-oss-signature-version", v4::ALGORITHM);
        conditions.is("x-oss-credential", credential);
        conditions.is("x-oss-date", date);
    }
    if let Some(token) = token {
        conditions.is(TOKEN, token.expose_secret());
    }
    if let Some(size) = &policy.size {
        conditions.size(*size.start(), *size.end());
    }
    match &policy.key {
        KeyRule::Exact(key) => conditions.equals("key", key),
        KeyRule::Prefix(prefix) => conditions.starts_with("key", prefix),
    }
    match &policy.content_types {
        Some(ContentTypes::OneOf(types)) => conditions.one_of("content-type", types),
        Some(ContentTypes::Prefix(prefix)) => conditions.starts_with("content-type", prefix),
        // Exactly one is among the fields.
        Some(ContentTypes::Exact(_)) | None => {}
    }
    for (name, value) in fixed {
        conditions.equals(name, value);
    }
    conditions
}

enum FormSigner {
    V4 { credential: String, date: String, key: v4::SigningKey },
    V1(v1::SigningKey),
}

impl FormSigner {
    fn new(params: &SigningParams<'_>) -> Self {
        match params.scheme {
            Scheme::V4(settings) => {
                let moment = v4::Moment::new(params.time);
                let scope = moment.scope(settings);
                Self::V4 {
                    credential: format!("{}/{scope}", params.credentials.access_key_id()),
                    date: moment.to_string(),
                    key: v4::SigningKey::derive(params.credentials.secret(), &scope),
                }
            }
            Scheme::V1(_) => Self::V1(v1::SigningKey::new(params.credentials.secret())),
        }
    }

    /// The policy and what it is signed with.
    fn fields(self, params: &SigningParams<'_>, policy: String) -> Vec<(String, String)> {
        let fields = match self {
            Self::V4 { credential, date, key } => {
                let signature = key.sign_text(&policy);
                vec![
                    ("policy", policy),
                    ("x-oss-signature-version", v4::ALGORITHM.to_owned()),
                    ("x-oss-credential", credential),
                    ("x-oss-date", date),
                    ("x-oss-signature", signature),
                ]
            }
            Self::V1(key) => {
                let signature = key.sign_text(&policy);
                let id = params.credentials.access_key_id().to_owned();
                vec![("policy", policy), ("OSSAccessKeyId", id), ("Signature", signature)]
            }
        };
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
