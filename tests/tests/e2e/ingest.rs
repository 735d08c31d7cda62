//! `POST /objects`: who may ask, what is fetched, what is shown, what is left in the journal.

use bytes::Bytes;
use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::cloud::{LOGS, MIRROR, http_client};
use e2e::{Answer, Cloud, Function, OmsBridge, Settings, Shelf, WebReply, WebRequest, WebServer, event};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Method, Request};
use serde_json::{Value, json};

pub(crate) const TOKEN: &str = "a-token-for-tests-only";

/// What a client of the interface is answered.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Told {
    /// The first object's member of that name.
    pub(crate) fn first(&self, name: &str) -> &Value {
        &self.body["objects"][0][name]
    }

    /// `error.code` of a refusal.
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_else(|| panic!("no refusal: {self:?}"))
    }
}

pub(crate) async fn ask(function: &Function, request: Request) -> Told {
    let response = http_client().execute(request).await.unwrap_or_else(|_| panic!("{}", function.log()));
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status} {text}"));
    Told { status, headers, body }
}

pub(crate) fn request(function: &Function, method: Method, path: &str) -> Request {
    let mut request = Request::new(method, format!("{}{path}", function.url()).parse().unwrap());
    request.headers_mut().insert(AUTHORIZATION, format!("Bearer {TOKEN}").parse().unwrap());
    request
}

pub(crate) async fn post(function: &Function, path: &str, body: &Value) -> Told {
    let mut request = request(function, Method::POST, path);
    *request.body_mut() = Some(body.to_string().into());
    ask(function, request).await
}

/// Asks for one object and waits for its outcome.
pub(crate) async fn fetch(function: &Function, domain: &str, key: &str) -> Told {
    post(function, "/objects?wait=true", &json!({ "domain": domain, "key": key })).await
}

async fn show(function: &Function, path: &str) -> Told {
    ask(function, request(function, Method::GET, path)).await
}

/// Asks for the state of a request until it has ended.
async fn end_of(function: &Function, id: &str) -> Told {
    loop {
        let told = show(function, &format!("/objects/{id}")).await;
        if told.body["state"] != "pending" {
            return told;
        }
    }
}

/// Settings of a function that copies from this machine on demand.
pub(crate) fn private(cloud: &Cloud) -> Settings {
    let settings = cloud.copy_settings().set("INGEST_TOKEN", TOKEN).set("INGEST_ALLOW_PRIVATE", "true");
    settings.set("INGEST_DOMAINS", "127.0.0.1")
}

/// A site whose pages say where they lie, except below `/missing`.
pub(crate) async fn site() -> WebServer {
    WebServer::start(|request: &WebRequest| {
        if request.target.starts_with("/missing") {
            return WebReply::new(404);
        }
        let reply = WebReply::file(request, &Bytes::from(format!("content of {}", request.target)));
        reply.header("content-type", "text/x-test").header("etag", "\"one\"")
    })
    .await
}

/// The site as a domain within the private reach.
pub(crate) fn domain(site: &WebServer) -> String {
    site.url("")
}

fn copy(cloud: &Cloud, key: &str) -> String {
    let copy = cloud.mirrored(key).unwrap_or_else(|| panic!("{key:?} was not copied"));
    String::from_utf8(copy.body.to_vec()).unwrap()
}

#[tokio::test]
async fn an_object_is_fetched_and_told_of_once_it_is_there() {
    let (cloud, site) = (Cloud::start().await, site().await);
    let function = Function::with(private(&cloud)).start().await;
    let told = fetch(&function, &domain(&site), "dir/a b?.txt").await;
    let content = "content of /dir/a%20b%3F.txt";
    assert_eq!((told.status, &told.body["state"]), (200, &json!("done")), "{told:?}");
    assert_eq!(told.first("key"), "dir/a b?.txt");
    assert_eq!((told.first("state"), told.first("bytes")), (&json!("copied"), &json!(content.len())));
    assert!(told.first("etag").is_string(), "{told:?}");
    assert_eq!(copy(&cloud, "dir/a b?.txt"), content);
    let mirrored = cloud.mirrored("dir/a b?.txt").unwrap();
    assert_eq!(mirrored.headers.content_type.unwrap(), "text/x-test");

    let record = cloud.copy_records().get(Shelf::Success, "dir/a b?.txt").unwrap();
    assert_eq!(record["url"], format!("{}/dir/a%20b%3F.txt", domain(&site)));
    assert_eq!((&record["engine"], &record["outcome"]), (&json!("copy"), &json!("accepted")));
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), [""; 0]);
    let again = fetch(&function, &domain(&site), "dir/a b?.txt").await;
    assert_eq!(again.first("note"), "up to date");
}

#[tokio::test]
async fn a_list_is_promised_at_once_and_its_state_is_shown() {
    let (cloud, site) = (Cloud::start().await, site().await);
    let function = Function::with(private(&cloud)).start().await;
    let asked: Vec<_> = (0..40).map(|n| json!({"domain": domain(&site), "key": format!("k{n}")})).collect();
    let told = post(&function, "/objects", &json!(asked)).await;
    assert_eq!((told.status, told.body["objects"].as_array().unwrap().len()), (202, 40), "{told:?}");
    let id = told.body["id"].as_str().unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_eq!(told.headers["location"], format!("/objects/{id}"));
    assert_eq!(told.body["objects"][7]["status_url"], format!("/objects/{id}/7"));

    let end = end_of(&function, id).await;
    assert_eq!((end.status, &end.body["state"]), (200, &json!("done")), "{end:?}");
    for (n, object) in end.body["objects"].as_array().unwrap().iter().enumerate() {
        assert_eq!((&object["key"], &object["state"]), (&json!(format!("k{n}")), &json!("copied")));
        assert_eq!(copy(&cloud, &format!("k{n}")), format!("content of /k{n}"));
    }
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), [""; 0], "promises are taken back");
    assert_eq!(cloud.copy_records().keys(Shelf::Success).len(), 40);
    let one = show(&function, &format!("/objects/{id}/7")).await;
    assert_eq!((one.status, &one.body["key"], &one.body["state"]), (200, &json!("k7"), &json!("copied")));
    for unknown in [format!("/objects/{id}/40"), format!("/objects/{id}x"), "/objects/".into()] {
        let told = show(&function, &unknown).await;
        assert_eq!((told.status, told.code()), (404, "not_found"), "{unknown}");
    }
}

#[tokio::test]
async fn what_cannot_be_fetched_has_failed_with_its_class() {
    let (cloud, site) = (Cloud::start().await, site().await);
    let function = Function::with(private(&cloud)).start().await;
    let asked = ["missing/a", "b"].map(|key| json!({"domain": domain(&site), "key": key}));
    let told = post(&function, "/objects?wait=true", &json!(asked)).await;
    assert_eq!((told.status, &told.body["state"]), (502, &json!("failed")), "{told:?}");
    let [missing, good] = [0, 1].map(|index| &told.body["objects"][index]);
    assert_eq!((&missing["state"], &missing["class"]), (&json!("failed"), &json!("permanent")));
    assert_eq!((&missing["recorded"], &good["state"]), (&json!(true), &json!("copied")));
    assert!(missing["error"]["message"].as_str().unwrap().contains("no such object"), "{missing}");
    let record = cloud.copy_records().get(Shelf::Failed, "missing/a").unwrap();
    assert_eq!((&record["class"], &record["attempts"]), (&json!("permanent"), &json!(1)));
    assert_eq!(record["url"], site.url("/missing/a"));

    let promised = post(&function, "/objects", &asked[0]).await;
    let end = end_of(&function, promised.body["id"].as_str().unwrap()).await;
    assert_eq!((end.status, end.first("class")), (200, &json!("permanent")));
    let record = cloud.copy_records().get(Shelf::Failed, "missing/a").unwrap();
    assert!(record["error"]["message"].as_str().unwrap().contains("no such object"), "{record}");
}

#[tokio::test]
async fn only_the_token_opens_the_interface() {
    let (cloud, site) = (Cloud::start().await, site().await);
    let function = Function::with(private(&cloud)).start().await;
    for wrong in ["", "Bearer a-token-for-tests-onlY", "Basic YTpi", "Bearer a-token-for-tests-only-and-more"]
    {
        for (method, path) in [(Method::POST, "/objects"), (Method::GET, "/objects/x"), (Method::GET, "/x")] {
            let mut request = request(&function, method, path);
            request.headers_mut().insert(AUTHORIZATION, wrong.parse().unwrap());
            *request.body_mut() = Some(json!({"domain": domain(&site), "key": "k"}).to_string().into());
            let told = ask(&function, request).await;
            assert_eq!((told.status, told.code()), (401, "unauthorized"), "{wrong}");
            assert_eq!(told.headers["www-authenticate"], "Bearer");
        }
    }
    assert_eq!((site.requests().len(), cloud.twin.oss().len(LOGS)), (0, 0));
    assert!(!function.log().contains(TOKEN), "{}", function.log());
}

#[tokio::test]
async fn without_a_token_there_is_no_interface_and_beside_one_events_are_served() {
    let cloud = Cloud::start().await;
    let settings = private(&cloud).unset("INGEST_TOKEN");
    let function = Function::with(settings).start().await;
    let told = post(&function, "/objects", &json!({"domain": "127.0.0.1", "key": "k"})).await;
    assert_eq!((told.status, &told.body["errorType"]), (404, &json!("NotFound")));

    let function = Function::with(private(&cloud)).start().await;
    cloud.twin.oss().put(e2e::cloud::SOURCE, "k", "x");
    assert_eq!(function.invoke(event::put(["k"])).await, Answer::True);
    assert_eq!(copy(&cloud, "k"), "x");
}

#[tokio::test]
async fn what_is_no_request_is_refused_with_its_reason() {
    let cloud = Cloud::start().await;
    let function = Function::with(private(&cloud)).start().await;
    let refused = async |method: Method, path: &str, body: String| {
        let mut request = request(&function, method, path);
        *request.body_mut() = Some(body.into());
        let told = ask(&function, request).await;
        (told.status, told.body["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let object = r#"{"domain":"127.0.0.1","key":"k"}"#;
    let long = format!(r#"{{"domain":"127.0.0.1","key":"{}"}}"#, "k".repeat(1024));
    let many = format!("[{}]", [object; 1001].join(","));
    for body in ["", "[]", "{}", r#"{"domain":"127.0.0.1","key":"a/../b"}"#, &long, &many] {
        let refused = refused(Method::POST, "/objects", body.to_owned()).await;
        assert_eq!(refused, (400, "malformed".to_owned()), "{body}");
    }
    let twice = format!("[{object},{object}]");
    assert_eq!(refused(Method::POST, "/objects", twice).await.0, 400);
    assert_eq!(refused(Method::POST, "/objects?wait=yes", object.to_owned()).await.0, 400);
    assert_eq!(refused(Method::POST, "/objects", " ".repeat((1 << 20) + 1)).await.0, 413);
    assert_eq!(refused(Method::GET, "/objects", String::new()).await, (405, "method_not_allowed".into()));
    assert_eq!(refused(Method::DELETE, "/objects/x", String::new()).await.0, 405);
    assert_eq!(refused(Method::GET, "/objectsx", String::new()).await, (404, "not_found".into()));
}

#[tokio::test]
async fn nothing_is_promised_that_cannot_be_written_down() {
    let (cloud, site) = (Cloud::start().await, site().await);
    let settings = private(&cloud).set("LOG_BUCKET", "no-such-bucket");
    let function = Function::with(settings).start().await;
    let object = json!({"domain": domain(&site), "key": "k"});
    let told = post(&function, "/objects", &object).await;
    assert_eq!((told.status, told.code()), (503, "journal_unavailable"), "{told:?}");
    assert_eq!((site.requests().len(), cloud.mirrored("k").is_some()), (0, false));

    let function = Function::with(private(&cloud).without_credentials()).start().await;
    let told = post(&function, "/objects", &object).await;
    assert_eq!((told.status, told.code()), (503, "no_credentials"), "{told:?}");
}

#[tokio::test]
async fn a_kill_after_the_promise_loses_nothing_and_a_replay_copies() {
    let (cloud, site) = (Cloud::start().await, site().await);
    let outage = cloud.twin.faults().inject(Fault::new(Service::Obs, FaultAction::Hang));
    let function = Function::with(private(&cloud)).start().await;
    let told = post(&function, "/objects", &json!({"domain": domain(&site), "key": "k"})).await;
    assert_eq!(told.status, 202, "{told:?}");
    function.kill().await;
    let record = cloud.copy_records().get(Shelf::Failed, "k").unwrap();
    let expected = json!({
        "v": 1, "key": "k", "url": site.url("/k"), "engine": "copy", "outcome": "failed", "class": "transient", "attempts": 0,
        "error": { "message": "accepted over HTTP, not copied yet" }, "request_id": told.body["id"],
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&record[name], value, "{name} of {record}");
    }

    cloud.twin.faults().clear(outage);
    let replay = |settings: Settings| OmsBridge::new(["replay", "--json"]).settings(settings).run();
    let unguarded = ["TOKEN", "DOMAINS", "ALLOW_PRIVATE"]
        .iter()
        .fold(private(&cloud), |settings, name| settings.unset(&format!("INGEST_{name}")));
    let refused = replay(unguarded).await;
    assert_eq!((refused.code, &refused.json()["failed"]), (Some(3), &json!(1)), "{refused:?}");
    let record = cloud.copy_records().get(Shelf::Failed, "k").unwrap();
    assert_eq!((&record["class"], &record["url"]), (&json!("permanent"), &json!(site.url("/k"))));
    assert!(record["error"]["message"].as_str().unwrap().contains("INGEST_DOMAINS"), "{record}");

    let replayed = replay(private(&cloud).unset("INGEST_TOKEN")).await;
    assert_eq!((replayed.code, &replayed.json()["accepted"]), (Some(0), &json!(1)), "{replayed:?}");
    assert_eq!(copy(&cloud, "k"), "content of /k");
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), [""; 0]);
}

#[tokio::test]
async fn the_end_of_the_function_waits_for_what_was_promised() {
    let (cloud, site) = (Cloud::start().await, site().await);
    let held = Fault::new(Service::Obs, FaultAction::Delay { millis: 300 });
    cloud.twin.faults().inject(held.method("PUT").times(1));
    let mut function = Function::with(private(&cloud)).start().await;
    let told = post(&function, "/objects", &json!({"domain": domain(&site), "key": "k"})).await;
    assert_eq!(told.status, 202, "{told:?}");
    function.terminate().await;
    assert!(function.wait().await.success());
    assert_eq!(copy(&cloud, "k"), "content of /k");
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), [""; 0]);
}

#[tokio::test]
async fn a_later_failure_of_the_same_key_outlives_the_promise() {
    let (cloud, site) = (Cloud::start().await, site().await);
    let held = Fault::new(Service::Obs, FaultAction::ResetBeforeReading).method("PUT");
    let outage = cloud.twin.faults().inject(held);
    let function = Function::with(private(&cloud)).start().await;
    let told = post(&function, "/objects", &json!({"domain": domain(&site), "key": "k"})).await;
    cloud.copy_records().put(Shelf::Failed, "k", &json!({"v": 1, "key": "k", "bucket": "source"}));
    cloud.twin.faults().clear(outage);
    let end = end_of(&function, told.body["id"].as_str().unwrap()).await;
    assert_eq!(end.first("state"), "copied", "{end:?}");
    assert_eq!(cloud.copy_records().get(Shelf::Failed, "k").unwrap()["bucket"], "source");
}

#[tokio::test]
async fn with_oms_the_keys_are_handed_over_and_nothing_is_fetched() {
    let (cloud, site) = (Cloud::start().await, site().await);
    cloud.twin.oss().put(e2e::cloud::SOURCE, "k", "x");
    let settings = private(&cloud).unset("DEST").unset("DEST_ENDPOINT").and(cloud.settings());
    let function = Function::with(settings.set("FORWARD_MODE", "oms")).start().await;
    let told = post(&function, "/objects", &json!({"domain": domain(&site), "key": "k"})).await;
    assert_eq!((told.status, told.first("state")), (200, &json!("accepted")), "{told:?}");
    assert_eq!((cloud.twin.accepted_count("k"), site.requests().len()), (1, 0));
    assert_eq!(cloud.recorded(Shelf::Success), ["k"]);

    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    let told = post(&function, "/objects", &json!({"domain": domain(&site), "key": "l"})).await;
    assert_eq!((told.status, told.first("state")), (502, &json!("failed")), "{told:?}");
    assert_eq!((cloud.recorded(Shelf::Failed), site.requests().len()), (vec!["l".to_owned()], 0));
}

#[tokio::test]
async fn where_oms_is_asked_first_objects_of_the_web_are_copied_all_the_same() {
    let (cloud, site) = (Cloud::start().await, site().await);
    let settings = private(&cloud).and(cloud.oms_then_copy_settings());
    let function = Function::with(settings).start().await;
    let told = fetch(&function, &domain(&site), "k").await;
    assert_eq!((told.status, told.first("state")), (200, &json!("copied")), "{told:?}");
    assert_eq!((copy(&cloud, "k").as_str(), cloud.oms_requests()), ("content of /k", 0));
}

#[tokio::test]
async fn keys_that_the_settings_leave_out_are_skipped() {
    let (cloud, site) = (Cloud::start().await, site().await);
    let function = Function::with(private(&cloud).set("EXCLUDE", "*.tmp")).start().await;
    let told = post(&function, "/objects", &json!({"domain": domain(&site), "key": "a.tmp"})).await;
    let end = end_of(&function, told.body["id"].as_str().unwrap()).await;
    assert_eq!((end.first("state"), site.requests().len()), (&json!("skipped"), 0), "{end:?}");
    assert_eq!((cloud.copy_records().keys(Shelf::Failed), cloud.twin.obs().len(MIRROR)), (vec![], 0));
}
