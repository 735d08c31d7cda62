//! Listing buckets.

use futures_util::{StreamExt, TryStreamExt};
use oss_lite::{Dialect, ErrorKind, ListOptions, ListPage};

use crate::server::{Reply, Server, error, reply};

fn page(inner: &str) -> Reply {
    let body = format!("<ListBucketResult><EncodingType>url</EncodingType>{inner}</ListBucketResult>");
    reply("200 OK", &[], body)
}

fn object(key: &str) -> String {
    format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>")
}

fn keys(pages: &[ListPage]) -> Vec<&str> {
    pages.iter().flat_map(|page| &page.objects).map(|object| object.key.as_str()).collect()
}

#[tokio::test]
async fn oss_is_listed_by_continuation_token() {
    let first = format!(
        "<IsTruncated>true</IsTruncated><NextContinuationToken>t%2B1</NextContinuationToken>{}",
        object("a%2F%01")
    );
    let last = format!("<IsTruncated>false</IsTruncated>{}", object("b+c%2B"));
    let server = Server::with([page(&first), page(&last)]).await;
    let options = ListOptions {
        prefix: Some("a/ b".to_owned()),
        delimiter: Some("/".to_owned()),
        start_after: Some("a".to_owned()),
        page_size: 7,
    };
    let pages: Vec<_> = server.bucket(Dialect::Oss).list(options).try_collect().await.expect("two pages");
    assert_eq!(keys(&pages), ["a/\u{1}", "b c+"]);
    let common = "delimiter=%2F&encoding-type=url&list-type=2&max-keys=7&prefix=a%2F%20b&start-after=a";
    let targets: Vec<_> = server.requests().iter().map(|request| request.target().to_owned()).collect();
    assert_eq!(
        targets,
        [format!("/examplebucket/?{common}"), format!("/examplebucket/?continuation-token=t%2B1&{common}")]
    );
}

#[tokio::test]
async fn obs_is_listed_by_decoded_marker() {
    let first = format!("<IsTruncated>true</IsTruncated><NextMarker>a+b</NextMarker>{}", object("a+b"));
    let last = format!("<IsTruncated>false</IsTruncated>{}", object("c"));
    let server = Server::with([page(&first), page(&last)]).await;
    let options = ListOptions { start_after: Some("a".to_owned()), ..ListOptions::default() };
    let pages: Vec<_> = server.bucket(Dialect::Obs).list(options).try_collect().await.expect("two pages");
    assert_eq!(keys(&pages), ["a b", "c"]);
    let targets: Vec<_> = server.requests().iter().map(|request| request.target().to_owned()).collect();
    assert_eq!(
        targets,
        [
            "/examplebucket?encoding-type=url&marker=a&max-keys=1000",
            "/examplebucket?encoding-type=url&marker=a%20b&max-keys=1000"
        ]
    );
}

#[tokio::test]
async fn a_page_is_asked_for_only_when_it_is_wanted() {
    let first = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>";
    let server = Server::with([page(first)]).await;
    let mut pages = std::pin::pin!(server.bucket(Dialect::Oss).list(ListOptions::default()));
    pages.next().await.expect("a page").expect("good");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_listing_that_does_not_advance_is_an_error_and_ends() {
    for (dialect, inner) in [
        (Dialect::Oss, "<NextContinuationToken>same</NextContinuationToken>"),
        (Dialect::Obs, "<NextMarker>same</NextMarker>"),
    ] {
        let inner = format!("<IsTruncated>true</IsTruncated>{inner}");
        let server = Server::with([page(&inner), page(&inner)]).await;
        let pages: Vec<_> = server.bucket(dialect).list(ListOptions::default()).collect().await;
        assert_eq!(pages.len(), 2, "{pages:?}");
        let error = pages[1].as_ref().expect_err("stuck");
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
    }
}

#[tokio::test]
async fn a_marker_that_goes_back_is_an_error() {
    let server = Server::with([page("<IsTruncated>true</IsTruncated><NextMarker>a</NextMarker>")]).await;
    let options = ListOptions { start_after: Some("b".to_owned()), ..ListOptions::default() };
    let pages: Vec<_> = server.bucket(Dialect::Obs).list(options).collect().await;
    assert!(matches!(&pages[..], [Err(error)] if error.kind() == ErrorKind::UnexpectedResponse), "{pages:?}");
}

#[tokio::test]
async fn an_error_ends_the_listing() {
    let server = Server::with([error("403 Forbidden", "AccessDenied")]).await;
    let pages: Vec<_> = server.bucket(Dialect::Oss).list(ListOptions::default()).collect().await;
    assert!(matches!(&pages[..], [Err(error)] if error.kind() == ErrorKind::AccessDenied), "{pages:?}");
}

#[tokio::test]
async fn a_page_size_out_of_range_is_refused_before_anything_is_sent() {
    let server = Server::with([]).await;
    for page_size in [0, 1001] {
        let options = ListOptions { page_size, ..ListOptions::default() };
        let pages: Vec<_> = server.bucket(Dialect::Oss).list(options).collect().await;
        assert!(
            matches!(&pages[..], [Err(error)] if error.kind() == ErrorKind::InvalidArgument),
            "{pages:?}"
        );
    }
    assert_eq!(server.connections(), 0);
}
