//! Serves the page and its files.

use std::fmt::Write as _;
use std::io::Write as _;
use std::iter;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::error::ApiError;
use crate::desk::Desk;

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

struct PageFile {
    name: &'static str,
    content: &'static str,
}

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(PageFile { name: $name, content: include_str!(concat!("../page/", $name)) }),+]
    };
}

const INDEX: PageFile = PageFile { name: "index.html", content: include_str!("../page/index.html") };

const ASSETS: &[PageFile] = files![
    "announce.js",
    "api.js",
    "app.css",
    "backoff.js",
    "card.js",
    "clipboard.js",
    "crc64.js",
    "dialogs.js",
    "digest.js",
    "dom.js",
    "entry.js",
    "exchange.js",
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
    "multipart.js",
    "oss-error.js",
    "part-sender.js",
    "parts.js",
    "patiently.js",
    "post-form.js",
    "put-part.js",
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

/// Modules that only a web worker imports.
const OF_THE_WORKER: [&str; 3] = ["digest.js", "md5-worker.js", "md5.js"];

/// A file of the page, ready to be sent.
struct CompressedFile {
    name: &'static str,
    plain: Bytes,
    gzip: Bytes,
}

/// The page, then its files, compressed once.
static FILES: LazyLock<Vec<CompressedFile>> = LazyLock::new(|| {
    let page = served(INDEX.name, with_preloads(INDEX.content));
    let assets = ASSETS.iter().map(|file| served(file.name, file.content.to_owned()));
    iter::once(page).chain(assets).collect()
});

/// One tag for all of them, since they only change with the program.
static TAG: LazyLock<HeaderValue> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for file in FILES.iter() {
        hash.update(&file.plain);
    }
    // Weak, as it is the same for both forms of a file.
    let tag = format!("W/\"{}\"", hex::encode(&hash.finalize()[..12]));
    HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("W/\"\""))
});

fn served(name: &'static str, content: String) -> CompressedFile {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail.
    let gzip = gzip.write_all(content.as_bytes()).and_then(|()| gzip.finish()).unwrap_or_default();
    CompressedFile { name, plain: content.into(), gzip: gzip.into() }
}

/// Adds preload links for all modules, so that a browser loads them in parallel.
fn with_preloads(page: &str) -> String {
    const SCRIPT: &str = "<script type=\"module\"";
    let modules = ASSETS.iter().map(|file| file.name);
    let modules = modules.filter(|name| content_type(name) == JAVASCRIPT && !OF_THE_WORKER.contains(name));
    let links = modules.fold(String::new(), |mut links, name| {
        // Writing to a String does not fail.
        let _ = writeln!(links, "<link rel=\"modulepreload\" href=\"assets/{name}\">");
        links
    });
    page.replacen(SCRIPT, &(links + SCRIPT), 1)
}

pub(super) fn routes() -> Router<Desk> {
    Router::new().route("/", get(index)).route("/assets/{name}", get(asset))
}

async fn index(State(desk): State<Desk>, headers: HeaderMap) -> Response {
    let mut response = serve(&FILES[0], &headers);
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(content_security_policy(desk.0.store.public_origin())) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    // No referrer: the page's URL, and signed links, must not reach other sites.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let file = FILES[1..].iter().find(|file| file.name == name);
    file.map(|file| serve(file, &headers)).ok_or_else(|| ApiError::not_found("the page has no such file"))
}

fn serve(file: &CompressedFile, asked: &HeaderMap) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type(file.name))),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (VARY, HeaderValue::from_static("accept-encoding")),
        (ETAG, TAG.clone()),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    if asked.get(IF_NONE_MATCH).is_some_and(|tag| tag == *TAG) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    if accepts_gzip(asked) {
        return (headers, [(CONTENT_ENCODING, "gzip")], file.gzip.clone()).into_response();
    }
    (headers, file.plain.clone()).into_response()
}

fn accepts_gzip(asked: &HeaderMap) -> bool {
    let accepted = asked.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip")
            && !matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => JAVASCRIPT,
    }
}

/// Allows only the page's own scripts, and connections only to the desk and the bucket.
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
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/page");
        let files =
            fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        let own = |name: &String| name != "index.html" && name != "package.json";
        let there: BTreeSet<_> = files.filter(own).collect();
        let served: BTreeSet<_> = ASSETS.iter().map(|file| file.name.to_owned()).collect();
        assert_eq!(served, there);
    }

    #[test]
    fn the_page_preloads_its_modules() {
        let page = std::str::from_utf8(&FILES[0].plain).unwrap();
        let named = page.matches("rel=\"modulepreload\"").count();
        let scripts = ASSETS.iter().filter(|file| content_type(file.name) == JAVASCRIPT).count();
        assert_eq!(named, scripts - OF_THE_WORKER.len());
        assert!(page.find("modulepreload").unwrap() < page.find("<script").unwrap());
    }

    #[test]
    fn gzip_is_sent_to_clients_that_accept_it() {
        let accepts = |accepted: &'static str| {
            accepts_gzip(&HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accepted))]))
        };
        assert!(accepts("gzip") && accepts("br, GZIP;q=0.5") && accepts("deflate,gzip, br"));
        assert!(!accepts("br") && !accepts("gzip;q=0") && !accepts("") && !accepts("x-gzip"));
        assert!(!accepts_gzip(&HeaderMap::new()));
        let whole: usize = FILES.iter().map(|file| file.gzip.len()).sum();
        assert!(whole < 60_000, "{whole} bytes");
    }
}
