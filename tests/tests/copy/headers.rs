//! Headers of the content are cleaned by one rule, wherever an object comes from.

use bytes::Bytes;
use cloud_twin::ObjectHeaders;
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Cloud, Copy, WebReply, WebServer};

use crate::support::{counts, ends_with};

const STANDARD: [&str; 4] = ["cache-control", "content-disposition", "content-language", "expires"];

fn odd() -> ObjectHeaders {
    let headers = ObjectHeaders::default().content_type("text/x-test");
    STANDARD.into_iter().fold(headers, |headers, name| headers.standard(name, ""))
}

/// The standard headers of the copy.
fn standard(cloud: &Cloud, key: &str) -> Vec<(String, String)> {
    let copy = cloud.twin.obs().get(MIRROR, key).unwrap_or_else(|| panic!("no copy of {key:?}"));
    let pair = |(name, value): &(http::HeaderName, http::HeaderValue)| {
        (name.to_string(), value.to_str().unwrap().to_owned())
    };
    copy.headers.standard.iter().map(pair).collect()
}

#[tokio::test]
async fn what_says_nothing_of_the_content_stays_behind() {
    let cloud = Cloud::start().await;
    for (encoding, kept) in [("aws-chunked", None), ("aws-chunked,gzip", Some("gzip")), ("", None)] {
        let headers = odd().standard("content-encoding", encoding);
        cloud.twin.oss().put_with(SOURCE, "from-oss", "content", headers.clone());
        cloud.twin.obs().put_with(MIRROR, "of-obs", "content", headers);
        let server = WebServer::start(move |request| {
            let reply = WebReply::file(request, &Bytes::from_static(b"content")).header("etag", "\"v1\"");
            let reply = reply.header("content-type", "text/x-test").header("content-encoding", encoding);
            STANDARD.into_iter().fold(reply, |reply, name| reply.header(name, ""))
        })
        .await;
        let expected: Vec<_> =
            kept.into_iter().map(|kept| ("content-encoding".to_owned(), kept.to_owned())).collect();
        for (from, key) in [
            (format!("oss://{SOURCE}/from-oss"), "from-oss"),
            (format!("obs://{MIRROR}/of-obs"), "from-obs"),
            (server.url("/a"), "from-web"),
        ] {
            let copy = || Copy::new(&cloud.twin, &from, format!("obs://{MIRROR}/{key}"));
            ends_with(0, copy().with(["--force"])).await;
            assert_eq!(standard(&cloud, key), expected, "{from}: {encoding:?}");
            assert_eq!(counts(0, copy()).await, [0, 1, 0, 0], "{from}: {encoding:?}");
        }
    }
}
