//! Many callbacks at once.

use cloud_twin::Service;
use e2e::cloud::{SOURCE, http_client};
use e2e::desk::{Answered, ERIC, md5};
use e2e::{Cloud, Desk};
use reqwest::{Method, Request};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{allow_unknown, key, metric, told};

const MANY: usize = 1000;

#[tokio::test]
async fn a_thousand_callbacks_at_once_are_all_taken_and_all_forwarded() {
    let cloud = Cloud::start().await;
    // Half of them may have a request: with fewer it would depend on the machine whether one is told to wait.
    let desk = Desk::on(&cloud).await.set("LISTEN_MAX_CONNECTIONS", "4000").start().await;
    let mut uploads = Vec::new();
    for number in 0..MANY {
        let content = number.to_string();
        let allowed = allow_unknown(&desk, ERIC, &format!("{number}.txt"), content.as_bytes()).await;
        cloud.twin.oss().put(SOURCE, &key(&allowed), content.clone());
        let body = told(&allowed, &md5(content.as_bytes()).to_uppercase(), content.len()).to_string();
        let mut request = Request::new(Method::POST, format!("{}/callback", desk.url()).parse().unwrap());
        *request.headers_mut() = cloud.twin.sign_callback("/callback", &body);
        *request.body_mut() = Some(body.into());
        uploads.push((allowed, request));
    }
    let http = http_client();
    let mut calls = JoinSet::new();
    for (_, request) in &mut uploads {
        let request = std::mem::replace(request, Request::new(Method::GET, desk.url().parse().unwrap()));
        let http = http.clone();
        calls.spawn(async move { Answered::of(http.execute(request).await.unwrap()).await });
    }
    while let Some(answered) = calls.join_next().await {
        let answered = answered.unwrap();
        assert_eq!((answered.status, &answered.body["state"]), (200, &json!("stored")), "{answered:?}");
    }
    // In steps, each of which has the patience of the harness.
    for part in 1..=10 {
        cloud.until(|twin| twin.accepted().len() >= MANY * part / 10).await;
    }
    for (allowed, _) in &uploads {
        let object = desk.until_forwarded(ERIC, &allowed.id()).await;
        assert_eq!(object["name"], key(allowed).rsplit('/').next().unwrap());
        assert!(cloud.twin.accepted_count(&key(allowed)) >= 1, "{allowed:?}");
    }
    assert_eq!(metric(&desk, ERIC, "callbacks").await, MANY as u64);
    assert_eq!(metric(&desk, ERIC, "objects_stored").await, MANY as u64);
    assert_eq!(cloud.done(Service::Oss, "DeleteObject"), 0);
}
