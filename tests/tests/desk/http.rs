//! The HTTP interface as such: methods, media types, the page, what machines ask for.

use e2e::desk::ERIC;
use e2e::{Cloud, Desk};
use reqwest::{Method, Request, Response};
use serde_json::{Value, json};

async fn ask(
    desk: &Desk,
    method: Method,
    path: &str,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Response {
    let mut request = Request::new(method, format!("{}{path}", desk.url()).parse().unwrap());
    request.headers_mut().insert("authorization", format!("Bearer {}", ERIC.token).parse().unwrap());
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    *request.body_mut() = Some(body.to_owned().into());
    desk.execute(request).await
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

async fn code(response: Response) -> String {
    assert_eq!(header(&response, "content-type"), "application/json");
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    let text = response.text().await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"));
    assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{text}");
    body["error"]["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_not_there_is_told_in_json() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    for path in [
        "/nothing",
        "/uploads/",
        "/uploads/x/y",
        "/objects/",
        "/assets/",
        "/assets/none.js",
        "/assets/..%2Findex.html",
        "//",
    ] {
        let refused = ask(&desk, Method::GET, path, &[], "").await;
        assert_eq!(refused.status(), 404, "{path}");
        assert_eq!(code(refused).await, "not_found", "{path}");
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_refused_with_those_that_it_takes() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    for (method, path, allowed) in [
        (Method::GET, "/uploads", "POST"),
        (Method::GET, "/callback", "POST"),
        (Method::DELETE, "/uploads", "POST"),
        (Method::POST, "/objects", "GET,HEAD"),
        (Method::PUT, "/objects/x", "GET,HEAD,DELETE"),
        (Method::POST, "/healthz", "GET,HEAD"),
        (Method::POST, "/", "GET,HEAD"),
        (Method::GET, "/buckets", "POST"),
    ] {
        let refused = ask(&desk, method.clone(), path, &[], "").await;
        assert_eq!(
            (refused.status().as_u16(), header(&refused, "allow").as_str()),
            (405, allowed),
            "{method} {path}"
        );
        assert_eq!(code(refused).await, "method_not_allowed");
    }
}

#[tokio::test]
async fn bodies_are_json_of_a_reasonable_length() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let wish = json!({"name": "a.txt", "size": 1}).to_string();
    for content_type in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        for path in ["/uploads", "/uploads/from-url", "/buckets"] {
            let refused = ask(&desk, Method::POST, path, &[("content-type", content_type)], &wish).await;
            assert_eq!(refused.status(), 415, "{content_type} {path}");
            assert_eq!(code(refused).await, "unsupported_media_type");
        }
    }
    let json = [("content-type", "Application/JSON; charset=utf-8")];
    assert_eq!(ask(&desk, Method::POST, "/uploads", &json, &wish).await.status(), 201);
    for broken in
        ["", "{", "null", "{\"name\":\"a\",\"size\":1} x", "{\"name\":\"a\",\"name\":\"b\",\"size\":1}"]
    {
        let refused = ask(&desk, Method::POST, "/uploads", &json, broken).await;
        assert_eq!(refused.status(), 400, "{broken}");
        assert_eq!(code(refused).await, "malformed");
    }
    let long = format!("{wish}{}", " ".repeat(70_000));
    let refused = ask(&desk, Method::POST, "/uploads", &json, &long).await;
    assert_eq!(refused.status(), 413);
    assert_eq!(code(refused).await, "too_large");
}

#[tokio::test]
async fn answers_with_links_are_kept_by_nobody() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    for path in ["/objects".to_owned(), format!("/objects/{}", stored.id()), "/me".to_owned()] {
        let answer = ask(&desk, Method::GET, &path, &[], "").await;
        assert_eq!(header(&answer, "cache-control"), "no-store", "{path}");
        let head = ask(&desk, Method::HEAD, &path, &[], "").await;
        assert_eq!(
            (head.status().as_u16(), header(&head, "content-type").as_str()),
            (200, "application/json")
        );
        assert_eq!(head.text().await.unwrap(), "");
    }
}

#[tokio::test]
async fn the_page_runs_nothing_but_its_own_files() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let page = ask(&desk, Method::GET, "/", &[], "").await;
    assert_eq!(
        (page.status().as_u16(), header(&page, "content-type").as_str()),
        (200, "text/html; charset=utf-8")
    );
    let policy = header(&page, "content-security-policy");
    let bucket = cloud.twin.oss_url();
    for rule in ["default-src 'none'", "script-src 'self';", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(policy.contains(&format!("connect-src 'self' {bucket}")), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(header(&page, "referrer-policy"), "no-referrer");
    assert_eq!(header(&page, "x-content-type-options"), "nosniff");
    let text = page.text().await.unwrap();
    let files = text.split("\"assets/").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    let mut files: Vec<_> = files.collect();
    assert!(files.contains(&"main.js".to_owned()), "{files:?}");
    // Every module that a module names is there.
    let mut seen = 0;
    while let Some(file) = files.get(seen).cloned() {
        seen += 1;
        let answer = ask(&desk, Method::GET, &format!("/assets/{file}"), &[], "").await;
        assert_eq!(answer.status(), 200, "{file}");
        let kind =
            if file == "app.css" { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
        assert_eq!(header(&answer, "content-type"), kind, "{file}");
        let text = answer.text().await.unwrap();
        for named in text.split("'./").skip(1).map(|rest| rest.split('\'').next().unwrap().to_owned()) {
            if !files.contains(&named) {
                files.push(named);
            }
        }
    }
    assert!(seen > 10, "{files:?}");
}

#[tokio::test]
async fn files_of_the_page_are_sent_again_when_they_changed() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    for path in ["/", "/assets/app.css", "/assets/main.js"] {
        let first = ask(&desk, Method::GET, path, &[], "").await;
        let tag = header(&first, "etag");
        assert!(tag.len() > 10 && header(&first, "cache-control") == "no-cache", "{path}: {tag}");
        let again = ask(&desk, Method::GET, path, &[("if-none-match", &tag)], "").await;
        assert_eq!((again.status().as_u16(), header(&again, "etag")), (304, tag), "{path}");
        assert_eq!(again.text().await.unwrap(), "");
        let other = ask(&desk, Method::GET, path, &[("if-none-match", "\"other\"")], "").await;
        assert_eq!(other.status(), 200);
    }
}

#[tokio::test]
async fn the_interface_is_described_and_the_description_fits() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let answer = ask(&desk, Method::GET, "/openapi.json", &[], "").await;
    assert_eq!(header(&answer, "content-type"), "application/json");
    let described: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert!(described["openapi"].as_str().unwrap().starts_with("3."), "{}", described["openapi"]);
    let paths = described["paths"].as_object().unwrap();
    for path in [
        "/uploads",
        "/uploads/from-url",
        "/uploads/{id}",
        "/uploads/{id}/check",
        "/objects",
        "/objects/{id}",
        "/buckets",
        "/callback",
        "/me",
    ] {
        assert!(paths.contains_key(path), "{path}");
    }
    for (path, operations) in paths {
        for method in operations.as_object().unwrap().keys().filter(|name| *name != "parameters") {
            let method: Method = method.to_uppercase().parse().unwrap();
            let answer =
                ask(&desk, method.clone(), &path.replace("{id}", "x").replace("{name}", "x"), &[], "").await;
            assert_ne!(answer.status(), 405, "{method} {path}");
            if answer.status() == 404 {
                assert!(!answer.text().await.unwrap().contains("there is no /"), "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn the_metrics_count_what_was_done() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    desk.until_forwarded(ERIC, &stored.id()).await;
    let answer = ask(&desk, Method::GET, "/metrics", &[], "").await;
    assert_eq!(header(&answer, "content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.unwrap();
    for (name, value) in [
        ("uploads_allowed", 1),
        ("uploads_duplicate", 0),
        ("callbacks", 1),
        ("callbacks_refused", 0),
        ("objects_stored", 1),
        ("objects_forwarded", 1),
        ("objects_removed", 0),
        ("work_put_off", 0),
    ] {
        assert!(text.contains(&format!("\noms_bridge_desk_{name}_total {value}\n")), "{name}: {text}");
        assert!(text.contains(&format!("# TYPE oms_bridge_desk_{name}_total counter\n")), "{name}: {text}");
    }
}
