//! A browser that uploads in parts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::cloud::http_client;
use e2e::desk::{Answered, DeskSetup, ERIC, User, md5};
use e2e::{Cloud, Desk};
use oss_lite::Crc64;
use reqwest::{Method, Request, Response};
use serde_json::{Value, json};

/// Size of a part: the least that OSS takes.
pub(crate) const PART: usize = 100 << 10;

/// An upload as its browser sees it.
pub(crate) struct Parts<'d> {
    desk: &'d Desk,
    id: String,
    content: &'d [u8],
}

/// `len` bytes, no two parts of which are the same.
pub(crate) fn content(len: usize) -> Vec<u8> {
    (0_u32..).map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes()[0]).take(len).collect()
}

/// The MD5 of a part, as a header has it.
pub(crate) fn digest(content: &[u8]) -> String {
    let hex = md5(content);
    let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
    STANDARD.encode(bytes.collect::<Vec<_>>())
}

/// Sends a part as a browser does.
pub(crate) async fn put(url: &str, md5: Option<&str>, body: &[u8]) -> Response {
    let mut request = Request::new(Method::PUT, url.parse().unwrap());
    if let Some(md5) = md5 {
        request.headers_mut().insert("content-md5", md5.parse().unwrap());
    }
    if body.is_empty() {
        // As browsers do, and as hyper does not.
        request.headers_mut().insert("content-length", "0".parse().unwrap());
    }
    *request.body_mut() = Some(body.to_vec().into());
    http_client().execute(request).await.unwrap()
}

/// Sends all parts.
pub(crate) async fn send_all(upload: &Parts<'_>, user: User) {
    for number in 1..=upload.content.len().div_ceil(PART) {
        upload.send(user, number).await;
    }
}

/// A part that was signed.
pub(crate) struct SignedPart(Value);

impl SignedPart {
    /// Sends it.
    pub(crate) async fn put(&self, content: &[u8]) {
        assert_eq!(self.try_put(content).await.status(), 200);
    }

    /// Sends it, which may be refused.
    pub(crate) async fn try_put(&self, content: &[u8]) -> Response {
        put(self.url(), Some(self.md5()), content).await
    }

    /// Where it is sent to.
    pub(crate) fn url(&self) -> &str {
        self.0["url"].as_str().unwrap()
    }

    /// The header that is sent with it.
    pub(crate) fn md5(&self) -> &str {
        let header = &self.0["headers"][0];
        assert_eq!(header[0], "Content-MD5");
        header[1].as_str().unwrap()
    }

    /// The size that its body must have.
    pub(crate) fn size(&self) -> u64 {
        self.0["size"].as_u64().unwrap()
    }
}

impl<'d> Parts<'d> {
    /// A desk whose parts are small.
    pub(crate) async fn desk(cloud: &Cloud) -> DeskSetup {
        Desk::on(cloud).await.set("DESK_PART_SIZE", PART.to_string())
    }

    /// A desk whose parts are small, the content of a file of this size, and Eric's upload of it, begun.
    pub(crate) async fn begun(cloud: &Cloud, len: usize) -> (Desk, Vec<u8>, Answered) {
        let (desk, content) = (Self::desk(cloud).await.start().await, content(len));
        let begun = Self::begin(&desk, ERIC, "a.bin", &content).await;
        (desk, content, begun)
    }

    /// The same, with one part sent, its desk stopped, and the time of the upload over.
    pub(crate) async fn expired(cloud: &Cloud) -> (DeskSetup, Vec<u8>, Answered) {
        let (desk, content, begun) = Self::begun(cloud, PART + 1).await;
        Parts::of(&desk, &begun, &content).send(ERIC, 1).await;
        let setup = desk.kill().await;
        setup.database().expire(&begun.id()).await;
        (setup, content, begun)
    }

    /// Begins an upload.
    pub(crate) async fn begin(desk: &Desk, user: User, name: &str, content: &[u8]) -> Answered {
        let begun = desk.post(user, "/uploads/multipart", json!({"name": name, "size": content.len()})).await;
        assert_eq!(begun.status, 201, "{begun:?}");
        begun
    }

    /// The upload that was begun with `begun`.
    pub(crate) fn of(desk: &'d Desk, begun: &Answered, content: &'d [u8]) -> Self {
        Self { desk, id: begun.id(), content }
    }

    /// The same upload after its desk was started again.
    pub(crate) fn after_restart(desk: &'d Desk, id: &str, content: &'d [u8]) -> Self {
        Self { desk, id: id.to_owned(), content }
    }

    /// The content of a part.
    pub(crate) fn part(&self, number: usize) -> &[u8] {
        let from = (number - 1) * PART;
        &self.content[from..self.content.len().min(from + PART)]
    }

    /// Has a part with other content signed, to be sent later.
    pub(crate) async fn sign_other(&self, user: User, number: usize, content: &[u8]) -> SignedPart {
        let signed = self.sign_as(user, number, content).await;
        assert_eq!(signed.status, 200, "{signed:?}");
        SignedPart(signed.body["parts"][0].clone())
    }

    /// Has a part signed.
    pub(crate) async fn sign(&self, user: User, number: usize) -> Answered {
        self.sign_as(user, number, self.part(number)).await
    }

    async fn sign_as(&self, user: User, number: usize, content: &[u8]) -> Answered {
        let parts = json!({"parts": [{"number": number, "md5": md5(content)}]});
        self.desk.post(user, &format!("/uploads/{}/parts", self.id), parts).await
    }

    /// Sends a part.
    pub(crate) async fn send(&self, user: User, number: usize) {
        self.send_as(user, number, self.part(number)).await;
    }

    /// Sends something as a part.
    pub(crate) async fn send_as(&self, user: User, number: usize, content: &[u8]) {
        let signed = self.sign_other(user, number, content).await;
        assert_eq!((&signed.0["number"], &signed.0["method"]), (&json!(number), &json!("PUT")));
        signed.put(content).await;
    }

    /// Asks for completion.
    pub(crate) async fn complete(&self, user: User) -> Answered {
        let mut crc64 = Crc64::new();
        crc64.update(self.content);
        let body = json!({"crc64": crc64.value().to_string()});
        self.desk.post(user, &format!("/uploads/{}/complete", self.id), body).await
    }
}
