//! Upload callbacks: who is called, with what, and what the uploader is told.

use std::io::ErrorKind;
use std::time::Duration;

use cloud_twin::{CallbackCount, Fault, FaultAction, Service, Twin, TwinEvent};
use serde_json::{Value, json};

use crate::callback_server::{CallbackServer, Reaction, verify};
use crate::form::{Form, Signer};
use crate::http::{Answer, Body, exchange};
use crate::sign::{Call, base64, call, md5_base64, put};

async fn twin() -> Twin {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_oss_bucket("bucket");
    twin
}

fn argument(url: &str) -> Value {
    json!({"callbackUrl": url, "callbackBody": "object=${object}&size=${size}"})
}

fn upload(argument: &Value) -> Call {
    put("bucket", "dir/k", "12345").header("x-oss-callback", &base64(argument.to_string()))
}

fn form(twin: &Twin, argument: &Value) -> Form {
    let argument = base64(argument.to_string());
    Signer::of(twin).v4(&[json!({"callback": argument})]).field("key", "dir/k").field("callback", &argument)
}

fn failed(answer: &Answer, reason: &str) {
    answer.is_refusal(203, "CallbackFailed");
    let message = answer.element("Message").unwrap();
    assert!(message.contains(reason), "{message}");
    assert_eq!(answer.element("EC").as_deref(), Some("0007-00000203"));
}

#[tokio::test]
async fn the_server_is_called_once_the_object_is_there_and_its_answer_goes_to_the_uploader() {
    let twin = twin().await;
    let server = CallbackServer::start([Reaction::Wait]).await;
    let mut events = twin.subscribe();
    let url = format!("{}/call%20back?a=%2F&b", server.url);
    let uploading = upload(&argument(&url)).header("content-type", "text/plain").oss(&twin);
    let watching = async {
        server.came().await;
        assert_eq!(twin.oss().get("bucket", "dir/k").unwrap().body, "12345");
        assert_eq!(twin.stats().callbacks_pending, 1);
        assert!(!twin.is_idle());
        server.release();
    };
    let (answer, ()) = tokio::join!(uploading, watching);
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"Status":"OK"}"#));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("etag"), Some("\"827CCB0EEA8A706C4C34A16891F84E7B\""));

    let [callback] = &server.seen()[..] else { panic!("{:?}", server.seen()) };
    assert_eq!(callback.target, "/call%20back?a=%2F&b");
    assert_eq!(callback.body, "object=dir%2Fk&size=5");
    assert!(callback.is_genuine(twin.callback_public_key_pem()));
    let owner = Some("1000000000000001");
    for (name, value) in [
        ("content-type", Some("application/x-www-form-urlencoded")),
        ("content-md5", Some(md5_base64(callback.body.as_bytes()).as_str())),
        ("user-agent", Some("aliyun-oss-callback")),
        ("x-oss-pub-key-url", Some(base64(twin.callback_key_url()).as_str())),
        ("x-oss-bucket", Some("bucket")),
        ("x-oss-owner", owner),
        ("x-oss-requester", owner),
        ("x-oss-request-id", answer.header("x-oss-request-id")),
        ("x-oss-signature-version", Some("1.0")),
        ("x-oss-tag", Some("CALLBACK")),
        ("host", server.url.strip_prefix("http://")),
    ] {
        assert_eq!(callback.header(name), value, "{name}");
    }
    assert!(callback.header("date").is_some());

    assert!(matches!(events.recv().await.unwrap(), TwinEvent::ObjectPut { .. }));
    let (bucket, key) = ("bucket".to_owned(), "dir/k".to_owned());
    let called = TwinEvent::CalledBack { bucket, key, url: url.clone(), status: Some(200), failure: None };
    assert_eq!(events.recv().await.unwrap(), called);
    let attempts = twin.callbacks();
    assert_eq!((attempts[0].url.as_str(), attempts[0].body.as_str()), (url.as_str(), callback.body.as_str()));
    assert_eq!(twin.stats().callbacks, CallbackCount { succeeded: 1, ..CallbackCount::default() });
    twin.wait_until(Twin::is_idle).await;
}

#[tokio::test]
async fn the_body_may_be_json_with_variables_of_the_uploader_and_another_host() {
    let twin = twin().await;
    let server = CallbackServer::start([]).await;
    let template = r#"{"b":${bucket},"o":${object},"e":${etag},"s":${size},"t":${mimeType},"c":${crc64},"m":${contentMd5},"i":${reqId},"p":${operation},"ip":${clientIp},"v":${vpcId},"h":${imageInfo.height},"w":${imageInfo.width},"f":${imageInfo.format},"who":${x:who}}"#;
    let callback = json!({
        "callbackUrl": server.url,
        "callbackHost": "app.example.com",
        "callbackBody": template,
        "callbackBodyType": "application/json",
    });
    let gif = b"GIF89a\x03\0\x04\0";
    let answer = call("PUT", "bucket", "目/\"a\".gif")
        .body(gif)
        .header("content-type", "image/gif")
        .query("callback", &base64(callback.to_string()))
        .query("callback-var", &base64(r#"{"x:who":"\"eric\""}"#))
        .oss(&twin)
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = &server.seen()[0];
    assert_eq!((seen.header("host"), seen.target.as_str()), (Some("app.example.com"), "/"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    let stored = twin.oss().get("bucket", "目/\"a\".gif").unwrap();
    let expected = json!({
        "b": "bucket", "o": "目/\"a\".gif", "e": stored.etag, "s": 10, "t": "image/gif",
        "c": stored.crc64.unwrap().to_string(), "m": md5_base64(gif), "i": answer.header("x-oss-request-id"),
        "p": "PutObject", "ip": "127.0.0.1", "v": "", "h": 4, "w": 3, "f": "gif", "who": "\"eric\"",
    });
    assert_eq!(serde_json::from_str::<Value>(&seen.body).unwrap(), expected);
}

#[tokio::test]
async fn a_form_asks_by_its_fields_and_the_answer_takes_the_place_of_the_usual_one() {
    let twin = twin().await;
    let server = CallbackServer::start([]).await;
    let callback = json!({
        "callbackUrl": server.url,
        "callbackBody": "op=${operation}&key=${object}&who=${x:who}&type=${mimeType}&none=${x:none}&md5=${contentMd5}",
    });
    let answer = form(&twin, &callback)
        .field("x:Who", "a b")
        .field("success_action_status", "201")
        .field("success_action_redirect", "http://example.com/")
        .file("f", "")
        .post(&twin, "bucket")
        .await;
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"Status":"OK"}"#));
    let md5 = "1B2M2Y8AsgTpgAmY7PhCfg%3D%3D";
    let body = format!("op=PostObject&key=dir%2Fk&who=a%20b&type=application%2Foctet-stream&none=&md5={md5}");
    assert_eq!(server.seen()[0].body, body);
}

#[tokio::test]
async fn a_completed_upload_calls_back_and_has_no_md5() {
    let twin = twin().await;
    let server = CallbackServer::start([]).await;
    let begun = call("POST", "bucket", "k").query("uploads", "").body("").oss(&twin).await.unwrap();
    let id = begun.element("UploadId").unwrap();
    let part = call("PUT", "bucket", "k").query("partNumber", "1").query("uploadId", &id).body("12345");
    let etag = part.oss(&twin).await.unwrap().header("etag").unwrap().to_owned();
    let document = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    let callback = json!({
        "callbackUrl": server.url, "callbackBody": "op=${operation}&size=${size}&md5=${contentMd5}",
    });
    let complete = |callback: &str| {
        let complete = call("POST", "bucket", "k").query("uploadId", &id).body(&document);
        complete.header("x-oss-callback", callback).oss(&twin)
    };
    complete("%").await.unwrap().is_refusal(400, "InvalidArgument");
    assert_eq!(twin.oss().len("bucket"), 0);
    let answer = complete(&base64(callback.to_string())).await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"Status":"OK"}"#));
    assert_eq!(server.seen()[0].body, "op=CompleteMultipartUpload&size=5&md5=");
    assert_eq!(twin.oss().get("bucket", "k").unwrap().body, "12345");
}

#[tokio::test]
async fn a_wrong_argument_is_refused_before_anything_is_stored() {
    let twin = twin().await;
    let url = "http://127.0.0.1:9/";
    let good = base64(argument(url).to_string());
    let long = base64(json!({"callbackUrl": url, "callbackBody": "x".repeat(4 << 10)}).to_string());
    let six = [url; 6].join(";");
    for wrong in [
        "x123-*&".to_owned(),
        base64("not JSON"),
        base64(argument(&six).to_string()),
        base64(argument("http://[::1]:9/").to_string()),
        base64(json!({"callbackUrl": url}).to_string()),
        base64(json!({"callbackUrl": url, "callbackBody": ""}).to_string()),
        long,
    ] {
        let in_header = put("bucket", "k", "").header("x-oss-callback", &wrong).oss(&twin).await.unwrap();
        in_header.is_refusal(400, "InvalidArgument");
        let in_query = put("bucket", "k", "").query("callback", &wrong).oss(&twin).await.unwrap();
        in_query.is_refusal(400, "InvalidArgument");
        let form = Signer::of(&twin).v4(&[]).field("key", "k").field("callback", &wrong).file("f", "");
        form.post(&twin, "bucket").await.is_refusal(400, "InvalidArgument");
    }
    let twice = put("bucket", "k", "").header("x-oss-callback", &good).query("callback", &good);
    twice.oss(&twin).await.unwrap().is_refusal(400, "InvalidArgument");
    for variables in [base64("[]"), base64(r#"{"who":"x"}"#), base64(r#"{"x:Who":"x"}"#), "%".to_owned()] {
        let with = put("bucket", "k", "").header("x-oss-callback", &good);
        let refused = with.header("x-oss-callback-var", &variables).oss(&twin).await.unwrap();
        refused.is_refusal(400, "InvalidArgument");
    }
    assert_eq!((twin.oss().len("bucket"), twin.callbacks().len()), (0, 0));
}

#[tokio::test]
async fn urls_are_tried_in_order_until_one_answers() {
    let twin = twin().await;
    let broken = CallbackServer::start([Reaction::with_head("500 Broken", "a: b", "{}")]).await;
    let (good, spare) = (CallbackServer::start([]).await, CallbackServer::start([]).await);
    let urls = ["https://127.0.0.1:9/", "http://oss.example.com/", &broken.url, &good.url, &spare.url];
    let answer = upload(&argument(&urls.join(";"))).oss(&twin).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!([broken.seen().len(), good.seen().len(), spare.seen().len()], [1, 1, 0]);
    let statuses: Vec<_> = twin.callbacks().into_iter().map(|attempt| attempt.status).collect();
    assert_eq!(statuses, [None, None, Some(500), Some(200)]);
    assert_eq!(twin.stats().callbacks, CallbackCount { succeeded: 1, failed: 3, lost: 0 });
}

#[tokio::test]
async fn an_answer_that_is_not_as_it_must_be_fails_the_callback_and_keeps_the_object() {
    let twin = twin().await;
    let too_long = Reaction::body(format!("\"{}\"", "x".repeat(1 << 20)));
    let bom = Reaction::body("\u{feff}{}");
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    for (reaction, reason) in [
        (Reaction::with_head("204 No Content", "a: b", ""), "Error status : 204."),
        (Reaction::with_head("301 Moved", "location: /", "{}"), "Error status : 301."),
        (Reaction::with_head("503 Unavailable", "a: b", "{}"), "Error status : 503."),
        (
            Reaction::raw(&format!("{json}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n")),
            "content-length",
        ),
        (Reaction::raw(&format!("{json}connection: close\r\n\r\n{{}}")), "content-length"),
        (too_long, "content-length"),
        (bom, "not valid json"),
        (Reaction::body("not JSON"), "not valid json"),
        (Reaction::body(""), "not valid json"),
        (Reaction::raw("nonsense"), "can not connect"),
    ] {
        // A server that closes what it left unframed.
        let server = CallbackServer::start([reaction.clone()]).await;
        let answer = upload(&argument(&server.url)).oss(&twin).await.unwrap();
        failed(&answer, reason);
        assert!(twin.oss().delete("bucket", "dir/k"), "{reaction:?}");
    }
    let largest = Reaction::body(format!("\"{}\"", "x".repeat((1 << 20) - 2)));
    let server = CallbackServer::start([largest]).await;
    assert_eq!(upload(&argument(&server.url)).oss(&twin).await.unwrap().body.len(), 1 << 20);
    let server = CallbackServer::start([Reaction::body("oops")]).await;
    failed(&form(&twin, &argument(&server.url)).file("f", "").post(&twin, "bucket").await, "not valid json");
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_fails_the_callback() {
    let twin = Twin::builder().callback_timeout(Duration::from_millis(20)).start().await.unwrap();
    twin.create_oss_bucket("bucket");
    let server = CallbackServer::start([Reaction::Silence]).await;
    failed(&upload(&argument(&server.url)).oss(&twin).await.unwrap(), "Cost too long time");
    assert_eq!(twin.oss().get("bucket", "dir/k").unwrap().body, "12345");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_from_here_fails_the_callback() {
    let twin = twin().await;
    let closed = CallbackServer::start([]).await.url.clone();
    for url in [closed.as_str(), "http://example.com/", "http://192.0.2.1/", "https://127.0.0.1/"] {
        failed(&upload(&argument(url)).oss(&twin).await.unwrap(), "can not connect");
    }
    assert_eq!(twin.oss().get("bucket", "dir/k").unwrap().body, "12345");
}

#[tokio::test]
async fn connections_to_the_server_are_kept() {
    let twin = twin().await;
    let server = CallbackServer::start([]).await;
    for _ in 0..3 {
        assert_eq!(upload(&argument(&server.url)).oss(&twin).await.unwrap().status, 200);
    }
    assert_eq!((server.seen().len(), server.connections()), (3, 1));
}

#[tokio::test]
async fn the_callback_is_made_even_if_the_uploader_is_gone() {
    let twin = twin().await;
    let server = CallbackServer::start([Reaction::Wait]).await;
    let callback = argument(&server.url);
    tokio::select! {
        answer = upload(&callback).oss(&twin) => panic!("{answer:?}"),
        () = server.came() => {}
    }
    server.release();
    twin.wait_until(|twin| twin.stats().callbacks.succeeded == 1).await;
}

#[tokio::test]
async fn a_callback_can_be_lost() {
    let twin = twin().await;
    let server = CallbackServer::start([]).await;
    let callback = argument(&server.url);
    let fault = Fault::new(Service::Oss, FaultAction::LoseCallback).key_contains("dir/").times(2);
    let id = twin.faults().inject(fault);
    let other = put("bucket", "other", "").header("x-oss-callback", &base64(callback.to_string()));
    assert_eq!(other.oss(&twin).await.unwrap().status, 200);
    assert_eq!(put("bucket", "dir/k", "").oss(&twin).await.unwrap().status, 200);
    failed(&upload(&callback).oss(&twin).await.unwrap(), "can not connect");
    failed(&form(&twin, &callback).file("f", "").post(&twin, "bucket").await, "can not connect");
    assert_eq!((twin.faults().hits(id), server.seen().len(), twin.oss().len("bucket")), (2, 1, 2));
    assert_eq!(twin.stats().callbacks, CallbackCount { succeeded: 1, failed: 0, lost: 2 });
    assert_eq!(upload(&callback).oss(&twin).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_callback_can_be_repeated_and_delayed() {
    let twin = twin().await;
    let server = CallbackServer::start([Reaction::body("1"), Reaction::body("2")]).await;
    twin.faults().inject(Fault::new(Service::Oss, FaultAction::RepeatCallback).times(1));
    let delay = FaultAction::delay_callback(Duration::from_millis(1));
    let delay = twin.faults().inject(Fault::new(Service::Oss, delay));
    assert_eq!(upload(&argument(&server.url)).oss(&twin).await.unwrap().text(), "2");
    let seen = server.seen();
    assert_eq!((seen[0].body == seen[1].body, seen.len()), (true, 2));
    assert_eq!(twin.stats().callbacks.succeeded, 2);
    assert_eq!(upload(&argument(&server.url)).oss(&twin).await.unwrap().status, 200);
    assert_eq!((twin.faults().hits(delay), server.seen().len()), (1, 3));
    twin.faults().clear_all();
    twin.faults().inject(Fault::new(Service::Oss, FaultAction::delay_callback(Duration::MAX)));
    let callback = argument(&server.url);
    tokio::select! {
        answer = upload(&callback).oss(&twin) => panic!("{answer:?}"),
        () = twin.wait_until(|twin| twin.stats().callbacks_pending == 1) => {}
    }
    assert_eq!((server.seen().len(), twin.oss().len("bucket")), (3, 1));
}

#[tokio::test]
async fn the_answer_to_the_uploader_can_break_off_although_all_was_done() {
    let twin = twin().await;
    let server = CallbackServer::start([]).await;
    twin.faults().inject(Fault::new(Service::Oss, FaultAction::ResetMidResponse).method("POST"));
    let error = form(&twin, &argument(&server.url)).file("f", "").try_post(&twin, "bucket").await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!((server.seen().len(), twin.oss().len("bucket")), (1, 1));
}

#[tokio::test]
async fn the_public_key_is_served_at_its_real_address_through_the_twin_as_a_proxy() {
    let twin = twin().await;
    let get = async |target: &str| {
        let headers = [("host".to_owned(), "gosspublic.alicdn.com".to_owned())];
        exchange(&twin.oss_url(), "GET", target, &headers, &Body::None).await.unwrap()
    };
    let key = get(twin.callback_key_url()).await;
    assert_eq!((key.status, key.text().as_str()), (200, twin.callback_public_key_pem()));
    assert_eq!(get("http://gosspublic.alicdn.com/callback_pub_key_v1.pem").await.status, 404);
    assert_eq!(twin.stats().requests(Service::Oss, "GetCallbackKey"), 2);
    assert_eq!(twin.describe()["callback_key_url"], twin.callback_key_url());
    assert_eq!(twin.describe()["callback_public_key"], twin.callback_public_key_pem());
}

#[tokio::test]
async fn tests_can_forge_callbacks_here_and_from_another_process() {
    let twin = twin().await;
    let (target, body) = ("/call%20back?a=%2F", r#"{"a":"ä"}"#);
    let headers = twin.sign_callback(target, body);
    let authorization = headers["authorization"].to_str().unwrap();
    let pem = twin.callback_public_key_pem();
    assert!(verify(pem, target, body.as_bytes(), authorization));
    assert!(!verify(pem, "/call%20back?a=%2f", body.as_bytes(), authorization));
    assert!(!verify(pem, target, b"{}", authorization));
    let ask = Body::Sized(json!({"target": target, "body": body}).to_string().into_bytes());
    let signed = exchange(&twin.admin_url(), "POST", "/callbacks/sign", &[], &ask).await.unwrap().json();
    assert_eq!(signed["authorization"], authorization);
    assert_eq!(signed["x-oss-pub-key-url"], base64(twin.callback_key_url()));
    let server = CallbackServer::start([]).await;
    upload(&argument(&server.url)).oss(&twin).await.unwrap();
    let attempts = exchange(&twin.admin_url(), "GET", "/callbacks", &[], &Body::None).await.unwrap().json();
    assert_eq!((&attempts[0]["key"], &attempts[0]["status"]), (&"dir/k".into(), &200.into()));
    let rule = json!({"service": "oss", "action": "lose_callback", "count": 1}).to_string().into_bytes();
    let injected = exchange(&twin.admin_url(), "POST", "/faults", &[], &Body::Sized(rule)).await.unwrap();
    assert_eq!(injected.status, 200, "{}", injected.text());
    failed(&upload(&argument(&server.url)).oss(&twin).await.unwrap(), "can not connect");
}

#[tokio::test]
async fn obs_has_no_callbacks() {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_obs_bucket("bucket");
    let server = CallbackServer::start([]).await;
    assert_eq!(upload(&argument(&server.url)).obs(&twin).await.unwrap().status, 200);
    assert!(server.seen().is_empty());
}
