//! Forms as browsers post them, signed here.

use chrono::{DateTime, TimeDelta, Utc};
use cloud_twin::{Account, Twin};
use serde_json::{Value, json};

use crate::http::{Answer, Body, exchange};
use crate::sign::{base64, hmac_sha1, hmac_sha256};

const BOUNDARY: &str = "----WebKitFormBoundaryTwin";

/// What signs a policy, and when.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    pub(crate) account: Account,
    pub(crate) region: String,
    pub(crate) time: DateTime<Utc>,
    pub(crate) expiration: String,
}

impl Signer {
    pub(crate) fn of(twin: &Twin) -> Self {
        Self::at(twin, Utc::now())
    }

    pub(crate) fn at(twin: &Twin, time: DateTime<Utc>) -> Self {
        let expiration = (time + TimeDelta::hours(1)).format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        Self { account: twin.oss_account().clone(), region: twin.region().to_owned(), time, expiration }
    }

    fn policy(&self, conditions: &[Value]) -> String {
        json!({"expiration": self.expiration, "conditions": conditions}).to_string()
    }

    /// The fields of a V4 policy with these conditions and those that V4 itself needs.
    pub(crate) fn v4(&self, conditions: &[Value]) -> Form {
        let token = self.account.security_token.as_ref().map(|token| json!({"x-oss-security-token": token}));
        let own = [
            json!({"x-oss-signature-version": "OSS4-HMAC-SHA256"}),
            json!({"x-oss-credential": self.credential()}),
            json!(["eq", "$x-oss-date", self.date()]),
        ];
        let all: Vec<_> = conditions.iter().cloned().chain(own).chain(token).collect();
        self.v4_over(&self.policy(&all))
    }

    /// The fields that sign this very text with V4.
    pub(crate) fn v4_over(&self, policy: &str) -> Form {
        let document = base64(policy);
        let mut key = format!("aliyun_v4{}", self.account.secret_key).into_bytes();
        for step in [&self.date()[..8], &self.region, "oss", "aliyun_v4_request"] {
            key = hmac_sha256(&key, step);
        }
        let form = Form::default()
            .field("policy", &document)
            .field("x-oss-signature-version", "OSS4-HMAC-SHA256")
            .field("x-oss-credential", &self.credential())
            .field("x-oss-date", &self.date())
            .field("x-oss-signature", &hex::encode(hmac_sha256(&key, &document)));
        self.with_token(form)
    }

    pub(crate) fn v1(&self, conditions: &[Value]) -> Form {
        self.v1_over(&self.policy(conditions))
    }

    pub(crate) fn v1_over(&self, policy: &str) -> Form {
        let document = base64(policy);
        let form = Form::default()
            .field("OSSAccessKeyId", &self.account.access_key)
            .field("policy", &document)
            .field("Signature", &hmac_sha1(&self.account.secret_key, &document));
        self.with_token(form)
    }

    fn with_token(&self, form: Form) -> Form {
        match &self.account.security_token {
            Some(token) => form.field("x-oss-security-token", token),
            None => form,
        }
    }

    fn date(&self) -> String {
        self.time.format("%Y%m%dT%H%M%SZ").to_string()
    }

    fn credential(&self) -> String {
        format!("{}/{}/{}/oss/aliyun_v4_request", self.account.access_key, &self.date()[..8], self.region)
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    fields: Vec<(String, String)>,
    parts: Vec<u8>,
}

impl Form {
    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(given, _)| given != name);
        self
    }

    /// Replaces a field where it stands.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        for (given, old) in &mut self.fields {
            if given == name {
                value.clone_into(old);
            }
        }
        self
    }

    pub(crate) fn renamed(mut self, name: &str, other: &str) -> Self {
        for (given, _) in &mut self.fields {
            if given == name {
                other.clone_into(given);
            }
        }
        self
    }

    /// The file, after all fields; what is added later comes behind it.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.typed_file(name, None, content)
    }

    pub(crate) fn typed_file(
        mut self,
        name: &str,
        content_type: Option<&str>,
        content: impl AsRef<[u8]>,
    ) -> Self {
        self.flush();
        let content_type = content_type.map(|text| format!("Content-Type: {text}\r\n")).unwrap_or_default();
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n{content_type}\r\n"
        );
        self.parts.extend(head.bytes());
        self.parts.extend(content.as_ref());
        self.parts.extend(b"\r\n");
        self
    }

    fn flush(&mut self) {
        for (name, value) in self.fields.drain(..) {
            let part =
                format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            self.parts.extend(part.bytes());
        }
    }

    pub(crate) fn bytes(mut self) -> Vec<u8> {
        self.flush();
        self.parts.extend(format!("--{BOUNDARY}--\r\n").bytes());
        self.parts
    }

    /// Posts the form to a bucket by path style.
    pub(crate) async fn post(self, twin: &Twin, bucket: &str) -> Answer {
        self.try_post(twin, bucket).await.unwrap()
    }

    pub(crate) async fn try_post(self, twin: &Twin, bucket: &str) -> std::io::Result<Answer> {
        let body = Body::Sized(self.bytes());
        post_raw(twin, &format!("/{bucket}/"), &[("content-type", &content_type())], &body).await
    }
}

pub(crate) fn content_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

pub(crate) async fn post_raw(
    twin: &Twin,
    target: &str,
    headers: &[(&str, &str)],
    body: &Body,
) -> std::io::Result<Answer> {
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    exchange(&twin.oss_url(), "POST", target, &headers, body).await
}
