//! The page, and the files that it is made of.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use super::error::ApiError;
use crate::desk::Desk;

struct File {
    name: &'static str,
    content: &'static str,
}

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(File { name: $name, content: include_str!(concat!("../page/", $name)) }),+]
    };
}

const INDEX: File = File { name: "index.html", content: include_str!("../page/index.html") };

const ASSETS: &[File] = files![
    "announce.js",
    "api.js",
    "app.css",
    "backoff.js",
    "card.js",
    "clipboard.js",
    "dialogs.js",
    "dom.js",
    "entry.js",
    "failure.js",
    "files.js",
    "format.js",
    "gallery.js",
    "hasher.js",
    "i18n.js",
    "icons.js",
    "limits.js",
    "links.js",
    "main.js",
    "md5-worker.js",
    "md5.js",
    "oss-error.js",
    "post-form.js",
    "queue-store.js",
    "queue-view.js",
    "queue.js",
    "rate.js",
    "session.js",
    "settle.js",
    "sign-in.js",
    "storage.js",
    "strings.js",
    "tabs.js",
    "transfer.js",
    "verdict.js",
];

/// One tag for them all: they change with the program only.
static TAG: LazyLock<HeaderValue> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    hash.update(INDEX.content);
    for file in ASSETS {
        hash.update(file.content);
    }
    let tag = format!("\"{}\"", hex::encode(&hash.finalize()[..12]));
    HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\""))
});

pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/", get(index)).route("/assets/{name}", get(asset))
}

async fn index(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    let mut response = serve(&INDEX, &headers);
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(content_security_policy(desk.store().public_origin())) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    // Addresses of the page and links with signatures in them are nobody else's business.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let file = ASSETS.iter().find(|file| file.name == name);
    file.map(|file| serve(file, &headers)).ok_or_else(|| ApiError::not_found("the page has no such file"))
}

fn serve(file: &File, asked: &HeaderMap) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type(file.name))),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (ETAG, TAG.clone()),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    if asked.get(IF_NONE_MATCH).is_some_and(|tag| tag == *TAG) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, file.content).into_response()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/javascript; charset=utf-8",
    }
}

/// Nothing runs but the page's own files, and nothing is reached but the desk and the bucket.
fn content_security_policy(bucket: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob: {bucket}; \
         media-src {bucket}; connect-src 'self' {bucket}; worker-src 'self'; form-action 'none'; \
         base-uri 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn every_file_of_the_page_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/desk/page");
        let files =
            fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let own = |name: &String| name != "index.html" && name != "package.json";
        let there: BTreeSet<_> = files.filter(own).collect();
        let served: BTreeSet<_> = ASSETS.iter().map(|file| file.name.to_owned()).collect();
        assert_eq!(served, there);
    }
}
