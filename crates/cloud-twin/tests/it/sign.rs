//! Signed requests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use cloud_twin::{Account, SyncTaskHandle, Twin};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::http::{Answer, Body, exchange};

#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: &'static str,
    bucket: String,
    key: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Body,
    time: DateTime<Utc>,
    account: Option<Account>,
    hidden_slashes: bool,
}

pub(crate) fn call(method: &'static str, bucket: &str, key: &str) -> Call {
    Call {
        method,
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Body::None,
        time: Utc::now(),
        account: None,
        hidden_slashes: false,
    }
}

pub(crate) fn put(bucket: &str, key: &str, body: &str) -> Call {
    call("PUT", bucket, key).body(body)
}

pub(crate) fn get(bucket: &str, key: &str) -> Call {
    call("GET", bucket, key)
}

pub(crate) fn escape(text: &str, keep: &str) -> String {
    let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c) || keep.contains(c);
    let mut out = String::new();
    for byte in text.bytes() {
        match char::from(byte) {
            c if byte.is_ascii() && unreserved(c) => out.push(c),
            _ => out.extend(["%", &hex::encode_upper([byte])]),
        }
    }
    out
}

pub(crate) fn hmac_sha256(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn hmac_sha1(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn lines<'a>(headers: impl Iterator<Item = &'a (String, String)>) -> String {
    headers.flat_map(|(name, value)| [name, ":", value, "\n"]).collect()
}

pub(crate) fn base64(data: impl AsRef<[u8]>) -> String {
    STANDARD.encode(data)
}

pub(crate) fn md5_base64(data: &[u8]) -> String {
    use md5::Digest as _;
    STANDARD.encode(md5::Md5::digest(data))
}

impl Call {
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = Body::Sized(body.as_ref().to_vec());
        self
    }

    pub(crate) fn chunked(mut self, pieces: &[&str]) -> Self {
        self.body = Body::Chunked(pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect());
        self
    }

    pub(crate) fn at(mut self, time: DateTime<Utc>) -> Self {
        self.time = time;
        self
    }

    pub(crate) fn by(mut self, account: &Account) -> Self {
        self.account = Some(account.clone());
        self
    }

    pub(crate) fn with_hidden_slashes(mut self) -> Self {
        self.hidden_slashes = true;
        self
    }

    fn path(&self) -> String {
        let keep = if self.hidden_slashes { "" } else { "/" };
        match (self.bucket.as_str(), self.key.as_str()) {
            ("", _) => "/".to_owned(),
            (bucket, "") => format!("/{bucket}/"),
            (bucket, key) => format!("/{bucket}/{}", escape(key, keep)),
        }
    }

    fn target(&self) -> String {
        let parts: Vec<_> = self
            .query
            .iter()
            .map(|(name, value)| match value.as_str() {
                "" => escape(name, ""),
                value => format!("{}={}", escape(name, ""), escape(value, "")),
            })
            .collect();
        if parts.is_empty() { self.path() } else { format!("{}?{}", self.path(), parts.join("&")) }
    }

    /// Sends the request to OSS, signed with V4 in the header.
    pub(crate) async fn oss(self, twin: &Twin) -> std::io::Result<Answer> {
        self.oss_as_if_for(twin, twin).await
    }

    /// Signs for the region of one twin and sends to another.
    pub(crate) async fn oss_as_if_for(mut self, signed_for: &Twin, twin: &Twin) -> std::io::Result<Answer> {
        let account = self.account.clone().unwrap_or_else(|| twin.oss_account().clone());
        let time = self.time.format("%Y%m%dT%H%M%SZ").to_string();
        self = self.header("x-oss-date", &time).header("x-oss-content-sha256", "UNSIGNED-PAYLOAD");
        if let Some(token) = &account.security_token {
            self = self.header("x-oss-security-token", token);
        }
        let mut query: Vec<_> = self.query.iter().map(|(n, v)| (escape(n, ""), escape(v, ""))).collect();
        query.sort();
        let query: Vec<_> =
            query.into_iter().map(|(n, v)| if v.is_empty() { n } else { format!("{n}={v}") }).collect();
        let mut headers = self.headers.clone();
        headers.retain(|(name, _)| {
            name.starts_with("x-oss-") || name == "content-type" || name == "content-md5"
        });
        headers.sort();
        let headers = lines(headers.iter());
        let resource = match self.bucket.as_str() {
            "" => "/".to_owned(),
            bucket => format!("/{bucket}/{}", escape(&self.key, "/")),
        };
        let canonical =
            format!("{}\n{resource}\n{}\n{headers}\n\nUNSIGNED-PAYLOAD", self.method, query.join("&"));
        let scope = format!("{}/{}/oss/aliyun_v4_request", &time[..8], signed_for.region());
        let hash = hex::encode(Sha256::digest(canonical));
        let string_to_sign = format!("OSS4-HMAC-SHA256\n{time}\n{scope}\n{hash}");
        let mut key = format!("aliyun_v4{}", account.secret_key).into_bytes();
        for step in scope.split('/') {
            key = hmac_sha256(&key, step);
        }
        let signature = hex::encode(hmac_sha256(&key, &string_to_sign));
        let credential = format!("{}/{scope}", account.access_key);
        self = self.header(
            "authorization",
            &format!("OSS4-HMAC-SHA256 Credential={credential},Signature={signature}"),
        );
        exchange(&twin.oss_url(), self.method, &self.target(), &self.headers, &self.body).await
    }

    /// Sends the request to OSS, signed with V1 in the header.
    pub(crate) async fn oss_v1(self, twin: &Twin) -> std::io::Result<Answer> {
        let account = self.account.clone().unwrap_or_else(|| twin.oss_account().clone());
        let resource = format!("/{}/{}", self.bucket, self.key);
        self.sign_v1("OSS", "x-oss-", &account, &resource).send(&twin.oss_url()).await
    }

    /// Sends the request to OBS in its native dialect.
    pub(crate) async fn obs(self, twin: &Twin) -> std::io::Result<Answer> {
        let account = self.account.clone().unwrap_or_else(|| twin.huawei_account().clone());
        let resource = self.path();
        self.sign_v1("OBS", "x-obs-", &account, &resource).send(&twin.obs_url()).await
    }

    /// Sends the request to OBS in the AWS V2 dialect.
    pub(crate) async fn aws_v2(self, twin: &Twin) -> std::io::Result<Answer> {
        let account = twin.huawei_account().clone();
        let resource = self.path();
        self.sign_v1("AWS", "x-amz-", &account, &resource).send(&twin.obs_url()).await
    }

    async fn send(self, url: &str) -> std::io::Result<Answer> {
        exchange(url, self.method, &self.target(), &self.headers, &self.body).await
    }

    /// Sends the request to OBS as a client of Amazon S3 signs it, with the digest of the body; a header
    /// `x-amz-meta-unsigned` is left out of the signature.
    pub(crate) async fn aws_v4(mut self, twin: &Twin) -> std::io::Result<Answer> {
        let account = self.account.clone().unwrap_or_else(|| twin.huawei_account().clone());
        let time = self.time.format("%Y%m%dT%H%M%SZ").to_string();
        let host = twin.obs_url().trim_start_matches("http://").to_owned();
        let body = if let Body::Sized(body) = &self.body { body.clone() } else { Vec::new() };
        if !self.headers.iter().any(|(name, _)| name == "x-amz-content-sha256") {
            self = self.header("x-amz-content-sha256", &hex::encode(Sha256::digest(body)));
        }
        self = self.header("host", &host).header("x-amz-date", &time);
        let signed =
            |name: &str| name == "host" || (name.starts_with("x-amz-") && name != "x-amz-meta-unsigned");
        let payload = self.headers.iter().find(|(name, _)| name == "x-amz-content-sha256");
        let payload = payload.map(|(_, value)| value.clone()).unwrap_or_default();
        let mut headers: Vec<_> = self.headers.iter().filter(|(name, _)| signed(name)).collect();
        headers.sort();
        let names = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
        let headers = lines(headers.into_iter());
        let mut query: Vec<_> =
            self.query.iter().map(|(n, v)| format!("{}={}", escape(n, ""), escape(v, ""))).collect();
        query.sort();
        let canonical =
            format!("{}\n{}\n{}\n{headers}\n{names}\n{payload}", self.method, self.path(), query.join("&"));
        let scope = format!("{}/cn-north-4/s3/aws4_request", &time[..8]);
        let hash = hex::encode(Sha256::digest(canonical));
        let mut key = format!("AWS4{}", account.secret_key).into_bytes();
        for step in scope.split('/') {
            key = hmac_sha256(&key, step);
        }
        let signature = hex::encode(hmac_sha256(&key, &format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hash}")));
        let credential = format!("{}/{scope}", account.access_key);
        let word =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}");
        self.header("authorization", &word).send(&twin.obs_url()).await
    }

    /// The only sub-resources these tests use are flags, the parameters of parts and appends, and processing.
    fn sign_v1(mut self, word: &str, prefix: &str, account: &Account, resource: &str) -> Self {
        let date = self.time.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        self = self.header("date", &date);
        let value = |name: &str| {
            let given = self.headers.iter().find(|(header, _)| header == name);
            given.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let mut own: Vec<_> = self.headers.iter().filter(|(name, _)| name.starts_with(prefix)).collect();
        own.sort();
        let own = lines(own.into_iter());
        let mut signed: Vec<_> = self
            .query
            .iter()
            .filter(|(name, value)| {
                value.is_empty()
                    || ["uploadId", "partNumber", "position", "x-oss-process"].contains(&name.as_str())
            })
            .map(|(name, value)| if value.is_empty() { name.clone() } else { format!("{name}={value}") })
            .collect();
        signed.sort();
        let sub = if signed.is_empty() { String::new() } else { format!("?{}", signed.join("&")) };
        let (md5, content_type) = (value("content-md5"), value("content-type"));
        let text = format!("{}\n{md5}\n{content_type}\n{date}\n{own}{resource}{sub}", self.method);
        let signature = hmac_sha1(&account.secret_key, &text);
        self.header("authorization", &format!("{word} {}:{signature}", account.access_key))
    }
}

/// Sends a request to OMS, signed over `content-type;host;x-sdk-date`.
pub(crate) async fn oms(
    twin: &Twin,
    account: &Account,
    method: &str,
    target: &str,
    body: &str,
) -> std::io::Result<Answer> {
    let time = Utc::now().format("%Y%m%dT%H%M%SZ").to_string();
    let host = twin.oms_url().trim_start_matches("http://").to_owned();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut pairs: Vec<_> = query.split('&').collect();
    pairs.sort_unstable();
    let canonical = format!(
        "{method}\n{path}/\n{}\ncontent-type:application/json\nhost:{host}\nx-sdk-date:{time}\n\n\
         content-type;host;x-sdk-date\n{}",
        pairs.join("&"),
        hex::encode(Sha256::digest(body))
    );
    let string_to_sign = format!("SDK-HMAC-SHA256\n{time}\n{}", hex::encode(Sha256::digest(canonical)));
    let signature = hex::encode(hmac_sha256(account.secret_key.as_bytes(), &string_to_sign));
    let headers = [
        ("host", host),
        ("content-type", "application/json".to_owned()),
        ("x-sdk-date", time),
        (
            "authorization",
            format!(
                "SDK-HMAC-SHA256 Access={}, SignedHeaders=content-type;host;x-sdk-date, Signature={signature}",
                account.access_key
            ),
        ),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    exchange(&twin.oms_url(), method, target, &headers, &Body::Sized(body.as_bytes().to_vec())).await
}

/// Posts encoded keys to a sync task.
pub(crate) async fn post_keys(twin: &Twin, task: &SyncTaskHandle, keys: &[&str]) -> std::io::Result<Answer> {
    let body = serde_json::json!({ "object_keys": keys }).to_string();
    oms(twin, twin.huawei_account(), "POST", &events_path(task), &body).await
}

pub(crate) fn task_path(task: &SyncTaskHandle) -> String {
    format!("/v2/{}/sync-tasks/{}", task.project_id, task.sync_task_id)
}

fn events_path(task: &SyncTaskHandle) -> String {
    format!("{}/events", task_path(task))
}
