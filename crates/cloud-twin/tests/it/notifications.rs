use std::time::Duration;

use cloud_twin::{CredentialHeaders, FunctionSettings, Notification, Twin, TwinEvent};

use crate::function::Function;
use crate::sign::{call, put};

async fn twin(settings: FunctionSettings) -> Twin {
    let settings = FunctionSettings { backoff: Duration::ZERO, ..settings };
    let twin = Twin::builder().function(settings).start().await.unwrap();
    twin.create_oss_bucket("bucket");
    twin
}

#[tokio::test]
async fn an_upload_invokes_the_function_with_the_documented_event() {
    let twin = twin(FunctionSettings::default()).await;
    let function = Function::start([]).await;
    twin.notify("bucket", &function.url).unwrap();
    let key = "测试 a+b%20c.txt";
    let upload = put("bucket", key, "12345").header("content-type", "text/plain").oss(&twin).await.unwrap();
    twin.wait_until(Twin::is_idle).await;
    let [invocation] = function.invocations().try_into().unwrap();
    assert!(invocation.head.starts_with("POST /invoke HTTP/1.1"), "{}", invocation.head);
    let event: serde_json::Value = serde_json::from_str(&invocation.body).unwrap();
    let element = &event["events"][0];
    assert_eq!(element["eventName"], "ObjectCreated:PutObject");
    assert_eq!(element["eventSource"], "acs:oss");
    assert_eq!(element["region"], "cn-hangzhou");
    assert_eq!(element["oss"]["bucket"]["name"], "bucket");
    let object = &element["oss"]["object"];
    assert_eq!((&object["key"], &object["size"], &object["deltaSize"]), (&key.into(), &5.into(), &5.into()));
    assert_eq!(format!("\"{}\"", object["eTag"].as_str().unwrap()), upload.header("etag").unwrap());
    assert_eq!(object["objectMeta"]["mimeType"], "text/plain");
    assert_eq!(element["responseElements"]["requestId"].as_str(), upload.header("x-oss-request-id"));
    let account = twin.function_account();
    assert_eq!(invocation.header("x-fc-control-path"), Some("/invoke"));
    assert_eq!(invocation.header("x-fc-access-key-id"), Some(account.access_key.as_str()));
    assert_eq!(invocation.header("x-fc-access-key-secret"), Some(account.secret_key.as_str()));
    assert_eq!(invocation.header("x-fc-security-token"), account.security_token.as_deref());
    assert_eq!(invocation.header("x-fc-retry-count"), Some("0"));
    assert_eq!(invocation.header("content-type"), Some("application/octet-stream"));

    put("bucket", key, "1").oss(&twin).await.unwrap();
    twin.wait_until(Twin::is_idle).await;
    let event: serde_json::Value = serde_json::from_str(&function.invocations()[1].body).unwrap();
    assert_eq!(event["events"][0]["oss"]["object"]["deltaSize"], -4);
}

#[tokio::test]
async fn copies_and_links_raise_events_of_their_own() {
    let twin = twin(FunctionSettings::default()).await;
    let function = Function::start([]).await;
    twin.notify("bucket", &function.url).unwrap();
    twin.oss().put("bucket", "k", "12345");
    let copied = put("bucket", "copy", "").header("x-oss-copy-source", "/bucket/k").oss(&twin).await.unwrap();
    let link = put("bucket", "link", "").query("symlink", "").header("x-oss-symlink-target", "k");
    assert_eq!((copied.status, link.oss(&twin).await.unwrap().status), (200, 200));
    twin.wait_until(Twin::is_idle).await;
    let mut seen: Vec<_> = function
        .invocations()
        .iter()
        .map(|invocation| {
            let event: serde_json::Value = serde_json::from_str(&invocation.body).unwrap();
            let element = &event["events"][0];
            let size = element["oss"]["object"]["size"].as_u64().unwrap();
            (element["eventName"].as_str().unwrap().to_owned(), size)
        })
        .collect();
    seen.sort();
    let expected = [("ObjectCreated:CopyObject", 5), ("ObjectCreated:PutSymlink", 0)];
    assert_eq!(seen, expected.map(|(name, size)| (name.to_owned(), size)));
}

#[tokio::test]
async fn a_failing_function_is_tried_again_and_then_given_up() {
    let twin = twin(FunctionSettings { retries: 2, ..FunctionSettings::default() }).await;
    let failed = "200 OK\r\nx-fc-status: 404";
    let function =
        Function::start([failed, "404 Not Found\r\nx-fc-status: 200", failed, failed, failed]).await;
    twin.notify("bucket", &function.url).unwrap();
    let mut events = twin.subscribe();
    twin.oss().put_with_event("bucket", "recovers", "");
    twin.wait_until(Twin::is_idle).await;
    assert_eq!(twin.failure_destination(), []);
    twin.oss().put_with_event("bucket", "does not", "");
    twin.wait_until(Twin::is_idle).await;
    let [given_up] = twin.failure_destination().try_into().unwrap();
    assert_eq!((given_up.key.as_str(), given_up.attempts, given_up.status), ("does not", 3, Some(404)));
    assert_eq!((given_up.response.as_str(), given_up.payload.contains("does not")), ("word", true));
    let invocations = function.invocations();
    let retries: Vec<_> = invocations.iter().map(|call| call.header("x-fc-retry-count").unwrap()).collect();
    assert_eq!(retries, ["0", "1", "0", "1", "2"]);
    let ids: Vec<_> = invocations.iter().map(|call| call.header("x-fc-request-id").unwrap()).collect();
    assert!(ids[0] == ids[1] && ids[2] == ids[4] && ids[0] != ids[2], "{ids:?}");
    events.recv().await.unwrap();
    let (bucket, key) = ("bucket".to_owned(), "recovers".to_owned());
    assert_eq!(events.recv().await.unwrap(), TwinEvent::EventDelivered { bucket, key, attempts: 2 });
}

#[tokio::test]
async fn a_function_that_is_not_there_ends_in_the_failure_destination() {
    let settings = FunctionSettings { retries: 0, ..FunctionSettings::default() };
    let twin = twin(settings).await;
    let gone = Function::start([]).await.url.clone();
    twin.notify("bucket", &gone).unwrap();
    assert_eq!(put("bucket", "k", "").oss(&twin).await.unwrap().status, 200, "the writer never notices");
    twin.wait_until(Twin::is_idle).await;
    let [given_up] = twin.failure_destination().try_into().unwrap();
    assert_eq!((given_up.attempts, given_up.status), (1, None));
}

#[tokio::test]
async fn without_a_reported_status_only_a_server_error_is_a_failure() {
    let twin = twin(FunctionSettings { retries: 0, ..FunctionSettings::default() }).await;
    let function = Function::start(["404 Not Found", "500 Internal Server Error"]).await;
    twin.notify("bucket", &function.url).unwrap();
    for key in ["passes", "fails"] {
        twin.oss().put_with_event("bucket", key, "");
        twin.wait_until(Twin::is_idle).await;
    }
    let keys: Vec<_> = twin.failure_destination().into_iter().map(|failed| failed.key).collect();
    assert_eq!(keys, ["fails"]);
}

#[tokio::test]
async fn a_rule_chooses_events_and_keys() {
    let settings =
        FunctionSettings { credentials: CredentialHeaders::Withheld, ..FunctionSettings::default() };
    let twin = twin(settings).await;
    let function = Function::start([]).await;
    let mut rule = Notification::new("bucket", &function.url).events(["oss:ObjectRemoved:*"]);
    rule.prefix = "in/".to_owned();
    twin.notify_with(rule).unwrap();
    for key in ["in/k", "out/k"] {
        put("bucket", key, "").oss(&twin).await.unwrap();
        call("DELETE", "bucket", key).oss(&twin).await.unwrap();
    }
    twin.wait_until(Twin::is_idle).await;
    let [invocation] = function.invocations().try_into().unwrap();
    assert!(invocation.body.contains("ObjectRemoved:DeleteObject") && invocation.body.contains("in/k"));
    assert_eq!(invocation.header("x-fc-access-key-id"), None);
    assert!(twin.notify("bucket", "ftp://nowhere").is_err());
}
