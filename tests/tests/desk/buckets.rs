//! Buckets that admins create.

use cloud_twin::{Fault, FaultResponse, Service};
use e2e::cloud::{SOURCE, http_client, oss_bucket};
use e2e::desk::{ADMIN, ERIC};
use e2e::{Cloud, Desk};
use oss_lite::CorsRule;
use reqwest::{Method, Request, Response};
use serde_json::json;

/// What a browser asks before a page of `origin` posts to a bucket.
async fn preflight(cloud: &Cloud, bucket: &str, origin: &str, method: &str) -> Response {
    let url = format!("{}/{bucket}/", cloud.twin.oss_url());
    let mut request = Request::new(Method::OPTIONS, url.parse().unwrap());
    let headers = request.headers_mut();
    headers.insert("origin", origin.parse().unwrap());
    headers.insert("access-control-request-method", method.parse().unwrap());
    headers.insert("access-control-request-headers", "content-type, x-oss-meta-a".parse().unwrap());
    http_client().execute(request).await.unwrap()
}

#[tokio::test]
async fn an_admin_creates_a_bucket_that_pages_may_upload_to() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    assert_eq!(preflight(&cloud, "photos-2026", "https://desk.example.com", "POST").await.status(), 404);
    let created = desk.post(ADMIN, "/buckets", json!({"name": "photos-2026"})).await;
    assert_eq!((created.status, &created.body), (201, &json!({"name": "photos-2026"})));
    for method in ["POST", "PUT", "GET", "HEAD"] {
        let allowed = preflight(&cloud, "photos-2026", "https://desk.example.com", method).await;
        assert_eq!(allowed.status(), 200, "{method}");
        let origin = allowed.headers()["access-control-allow-origin"].to_str().unwrap();
        assert!(["*", "https://desk.example.com"].contains(&origin), "{origin}");
    }
    let refused = preflight(&cloud, "photos-2026", "https://desk.example.com", "DELETE").await;
    assert_eq!(refused.status(), 403);
    // The same again makes good what is missing.
    assert_eq!(desk.post(ADMIN, "/buckets", json!({"name": "photos-2026"})).await.status, 201);
    assert_eq!(cloud.twin.oss().len("photos-2026"), 0);
}

#[tokio::test]
async fn a_bucket_that_no_page_may_upload_to_is_pointed_out_and_opened_on_demand() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    desk.until_logged("no CORS rule of the bucket lets pages upload to it").await;
    let origin = "https://desk.example.com";
    assert_eq!(preflight(&cloud, SOURCE, origin, "POST").await.status(), 403);
    let setup = desk.kill().await;
    let desk = setup.argument("--set-cors").start().await;
    assert_eq!(preflight(&cloud, SOURCE, origin, "POST").await.status(), 200);
    assert_eq!(preflight(&cloud, SOURCE, origin, "DELETE").await.status(), 403);
    assert!(!desk.log().contains("no CORS rule"), "{}", desk.log());
    assert_eq!(desk.upload(ERIC, "a.txt", "text/plain", b"abc").await.status, 200);
}

#[tokio::test]
async fn a_rule_for_forms_is_extended_to_parts_for_the_same_pages() {
    let cloud = Cloud::start().await;
    let bucket = oss_bucket(&cloud.twin.oss_url(), cloud.twin.region(), SOURCE, cloud.twin.oss_account());
    let origin = "https://desk.example.com";
    let forms = CorsRule {
        allowed_origins: vec![origin.to_owned()],
        allowed_methods: vec![Method::POST],
        allowed_headers: vec!["*".to_owned()],
        ..CorsRule::default()
    };
    bucket.put_cors(std::slice::from_ref(&forms)).await.unwrap();
    let desk = Desk::on(&cloud).await.start().await;
    desk.until_logged("no CORS rule of the bucket lets pages upload large files to it in parts").await;
    let setup = desk.kill().await;
    setup.argument("--set-cors").start().await;
    let rules = bucket.get_cors().await.unwrap();
    assert_eq!((rules.len(), &rules[0]), (2, &forms));
    let allowed = preflight(&cloud, SOURCE, origin, "PUT").await;
    assert_eq!(allowed.status(), 200);
    let exposed = allowed.headers()["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.contains("ETag"), "{exposed}");
    for method in ["POST", "PUT"] {
        assert_eq!(preflight(&cloud, SOURCE, "https://other.example.com", method).await.status(), 403);
    }
}

#[tokio::test]
async fn others_create_none() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    assert_eq!(desk.get(ADMIN, "/me").await.body["admin"], true);
    assert_eq!(desk.get(ERIC, "/me").await.body["admin"], false);
    let refused = desk.post(ERIC, "/buckets", json!({"name": "photos-2026"})).await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));
    let anonymous = desk.send(Method::POST, "/buckets", None, Some(json!({"name": "photos-2026"}))).await;
    assert_eq!(anonymous.status(), 401);
    assert_eq!(cloud.twin.stats().requests(Service::Oss, "PutBucket"), 0);
}

#[tokio::test]
async fn names_that_no_bucket_may_have_are_refused_before_oss_is_asked() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let long = "x".repeat(64);
    for name in ["", "ab", "Photos", "a_b", "-ab", "ab-", "a.b", "a/b", "测试测试", "a b c", "../x", &long]
    {
        let refused = desk.post(ADMIN, "/buckets", json!({"name": name})).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_name"), "{name:?}: {refused:?}");
    }
    for body in [json!({}), json!({"name": 1}), json!({"name": "photos", "acl": "public-read"})] {
        let refused = desk.post(ADMIN, "/buckets", body.clone()).await;
        assert_eq!((refused.status, refused.code()), (400, "malformed"), "{body}: {refused:?}");
    }
    assert_eq!(cloud.twin.stats().requests(Service::Oss, "PutBucket"), 0);
}

#[tokio::test]
async fn what_oss_says_against_a_bucket_is_told() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    for (fault, status, code) in [
        (FaultResponse::error(409, "BucketAlreadyExists", "no"), 409, "already_exists"),
        (FaultResponse::error(403, "AccessDenied", "no"), 403, "access_denied"),
        (FaultResponse::error(400, "TooManyBuckets", "no"), 502, "storage_unavailable"),
    ] {
        let fault = Fault::respond(Service::Oss, fault).method("PUT").path_contains("photos");
        let fault = cloud.twin.faults().inject(fault);
        let refused = desk.post(ADMIN, "/buckets", json!({"name": "photos"})).await;
        assert_eq!((refused.status, refused.code()), (status, code), "{refused:?}");
        cloud.twin.faults().clear(fault);
    }
    // Created, and no rule: not good yet, and made good by the next try.
    let fault =
        Fault::respond(Service::Oss, FaultResponse::error(403, "AccessDenied", "no")).path_contains("cors");
    let fault = cloud.twin.faults().inject(fault);
    assert_eq!(desk.post(ADMIN, "/buckets", json!({"name": "photos"})).await.status, 403);
    cloud.twin.faults().clear(fault);
    assert_eq!(desk.post(ADMIN, "/buckets", json!({"name": "photos"})).await.status, 201);
    assert_eq!(preflight(&cloud, "photos", "https://desk.example.com", "POST").await.status(), 200);
}
