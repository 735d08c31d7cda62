//! `ETag`s of services that speak as Amazon S3 does, which may look like an MD5 and be none.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use cloud_twin::Service;
use e2e::cloud::MIRROR;
use e2e::{Cloud, Copy, WebReply, WebServer};

use crate::support::{assert_mirrored, assert_nothing_mirrored, counts, succeeded};

const NO_MD5: &str = "0123456789abcdef0123456789abcdef";

/// `MD5("content")`
const MD5: &str = "9a0364b9e99bb480dd25e1f0284c8555";

type Objects = BTreeMap<&'static str, &'static str>;

/// A bucket `photos` of objects with these `ETag`s, all of which hold `content`; the GET of a number in `broken` sends other bytes.
async fn site(objects: Objects, broken: fn(usize) -> bool) -> WebServer {
    let gets = AtomicUsize::new(0);
    WebServer::start(move |request| {
        if request.target.contains("list-type=2") {
            let object = |(key, etag): (&&str, &&str)| {
                format!("<Contents><Key>{key}</Key><Size>7</Size><ETag>&quot;{etag}&quot;</ETag></Contents>")
            };
            let objects = objects.iter().map(object).collect::<String>();
            let listing =
                format!("<ListBucketResult><IsTruncated>false</IsTruncated>{objects}</ListBucketResult>");
            return WebReply::whole(&Bytes::from(listing));
        }
        let key = request.target.rsplit('/').next().unwrap();
        let get = if request.method == "GET" { gets.fetch_add(1, Ordering::SeqCst) } else { usize::MAX };
        let body = if get != usize::MAX && broken(get) { format!("{get:07}") } else { "content".to_owned() };
        WebReply::file(request, &Bytes::from(body)).header("etag", format!("\"{}\"", objects[key]))
    })
    .await
}

fn all(cloud: &Cloud, site: &WebServer) -> Copy {
    Copy::new(&cloud.twin, "s3://photos/", format!("obs://{MIRROR}/"))
        .with(["-r", "--concurrency", "1"])
        .settings(|settings| settings.and(site.s3()))
}

#[tokio::test]
async fn what_was_read_decides_whether_an_etag_is_an_md5() {
    let cloud = Cloud::start().await;
    let site = site(["a", "b", "c"].map(|key| (key, NO_MD5)).into(), |_| false).await;
    assert_eq!(counts(0, all(&cloud, &site)).await, [3, 0, 0, 0]);
    for key in ["a", "b", "c"] {
        assert_mirrored(&cloud, key, "content");
    }
    // The first was read twice, and showed what the tags of this bucket are.
    assert_eq!((site.count("GET"), succeeded(&cloud.twin, Service::Obs, "PutObject")), (1 + 4, 3));
    assert_eq!(counts(0, all(&cloud, &site)).await, [0, 3, 0, 0]);
}

#[tokio::test]
async fn an_md5_shows_bytes_that_changed_on_their_way() {
    let cloud = Cloud::start().await;
    // The listing is no object.
    let site = site([("a", MD5)].into(), |get| get == 0).await;
    assert_eq!(counts(0, all(&cloud, &site)).await, [1, 0, 0, 0]);
    assert_mirrored(&cloud, "a", "content");
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "PutObject"), 1);
}

#[tokio::test]
async fn bytes_that_are_others_each_time_are_never_taken() {
    let cloud = Cloud::start().await;
    let site = site([("a", MD5)].into(), |_| true).await;
    assert_eq!(counts(3, all(&cloud, &site)).await, [0, 0, 0, 1]);
    assert_nothing_mirrored(&cloud, "a");
}
