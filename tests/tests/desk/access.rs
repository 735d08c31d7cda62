//! Who may use the desk, and what each sees.

use std::fs;

use e2e::desk::{ADMIN, ERIC, MIA, User};
use e2e::{Cloud, Desk};
use reqwest::{Method, Request};
use serde_json::json;

use crate::support::key;

const NOBODY: &str = "01a0c4506c00ffffffffffffffffffff";

/// Every route of users.
fn routes(id: &str) -> [(Method, String); 9] {
    [
        (Method::GET, "/me".to_owned()),
        (Method::POST, "/uploads".to_owned()),
        (Method::POST, "/uploads/from-url".to_owned()),
        (Method::GET, format!("/uploads/{id}")),
        (Method::POST, format!("/uploads/{id}/check")),
        (Method::GET, "/objects".to_owned()),
        (Method::GET, format!("/objects/{id}")),
        (Method::DELETE, format!("/objects/{id}")),
        (Method::POST, "/buckets".to_owned()),
    ]
}

#[tokio::test]
async fn nothing_is_given_to_who_has_no_token() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    let cut = &ERIC.token[..ERIC.token.len() - 1];
    for authorization in [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(format!("Bearer {cut}")),
        Some(format!("Bearer {}x", ERIC.token)),
        Some(format!("Bearer {}", ERIC.token.to_uppercase())),
        Some(format!("Bearer {}:{}", ERIC.name, ERIC.token)),
        Some(format!("Basic {}", ERIC.token)),
        Some(ERIC.token.to_owned()),
    ] {
        for (method, path) in routes(&stored.id()) {
            let mut request = Request::new(method.clone(), format!("{}{path}", desk.url()).parse().unwrap());
            if let Some(authorization) = &authorization {
                request.headers_mut().insert("authorization", authorization.parse().unwrap());
            }
            request.headers_mut().insert("content-type", "application/json".parse().unwrap());
            *request.body_mut() = Some(json!({"name": "abcd", "size": 1}).to_string().into());
            let refused = desk.execute(request).await;
            assert_eq!(refused.status(), 401, "{method} {path} {authorization:?}");
            assert_eq!(refused.headers()["www-authenticate"], "Bearer");
            assert!(refused.text().await.unwrap().contains("unauthorized"));
        }
    }
    assert_eq!(desk.get(ERIC, &format!("/objects/{}", stored.id())).await.status, 200);
    assert_eq!(desk.setup().database().ask("SELECT CONCAT('', COUNT(*)) FROM storage").await, "1");
}

#[tokio::test]
async fn what_belongs_to_another_is_as_if_it_were_not_there() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    let pending = desk.allow(ERIC, "b.txt", "text/plain", b"def").await;
    for user in [MIA, ADMIN] {
        for id in [stored.id(), pending.id(), NOBODY.to_owned(), "x".to_owned(), "%27".to_owned()] {
            for (method, path) in routes(&id).into_iter().filter(|(_, path)| path.contains(&id)) {
                let body = (method == Method::POST).then(|| json!({}));
                let refused = desk.send(method.clone(), &path, Some(user), body).await;
                assert_eq!(refused.status(), 404, "{method} {path}");
                let text = refused.text().await.unwrap();
                let same = json!({"error": {"code": "not_found", "message": "unknown id"}});
                assert_eq!(text, same.to_string(), "no answer tells one from the other");
            }
        }
        assert_eq!(desk.get(user, "/objects").await.body["objects"], json!([]));
    }
    assert!(cloud.twin.oss().get(e2e::cloud::SOURCE, &key(&stored)).is_some());
}

#[tokio::test]
async fn users_may_be_in_a_file_and_have_several_tokens() {
    let cloud = Cloud::start().await;
    let setup = Desk::on(&cloud).await;
    let file = setup.folder().join("users.txt");
    let users = "# the old one is good until Friday\neric:old-token-0123456789\neric:new-token-0123456789\n\n  mia:mia-token-0123456789:admin  \n";
    fs::write(&file, users).unwrap();
    let file = file.to_str().unwrap().to_owned();
    let setup = setup.settings(|settings| settings.unset("DESK_TOKENS").set("DESK_TOKENS_FILE", file));
    let desk = setup.start().await;
    let old = User { name: "eric", token: "old-token-0123456789" };
    let new = User { name: "eric", token: "new-token-0123456789" };
    let stored = desk.upload(old, "a.txt", "text/plain", b"abc").await;
    assert_eq!(desk.get(new, &format!("/objects/{}", stored.id())).await.status, 200);
    assert_eq!(desk.get(MIA, "/me").await.body["admin"], true);
    assert_eq!(desk.get(ERIC, "/me").await.status, 401);
}

#[tokio::test]
async fn everybody_may_ask_whether_it_works() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    for path in ["/", "/healthz", "/openapi.json", "/metrics", "/assets/app.css"] {
        assert_eq!(desk.send(Method::GET, path, None, None).await.status(), 200, "{path}");
    }
    let me = desk.get(ERIC, "/me").await.body;
    assert_eq!((&me["user"], &me["admin"], &me["from_url"]), (&json!("eric"), &json!(false), &json!(false)));
    assert_eq!((&me["max_size"], &me["types"]), (&json!(5_368_709_120_u64), &json!(null)));
    assert_eq!(me["upload_origin"], cloud.twin.oss_url());
}
