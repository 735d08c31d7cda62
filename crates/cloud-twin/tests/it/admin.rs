use cloud_twin::{Account, Twin};
use serde_json::{Value, json};

use crate::http::{Answer, Body, exchange};
use crate::sign::{oms, put};

async fn admin(twin: &Twin, method: &str, path: &str, body: &Value) -> Answer {
    let body = Body::Sized(body.to_string().into_bytes());
    exchange(&twin.admin_url(), method, path, &[], &body).await.unwrap()
}

#[tokio::test]
async fn faults_are_injected_listed_and_lifted() {
    let twin = Twin::builder().start().await.unwrap();
    let rule = json!({
        "service": "oss", "method": "PUT", "key": "bad", "count": 1,
        "action": {"respond": {"status": 507, "code": "Full", "message": "no room"}},
    });
    assert_eq!(admin(&twin, "POST", "/buckets/oss/bucket", &Value::Null).await.status, 200);
    let injected = admin(&twin, "POST", "/faults", &rule).await.json();
    assert_eq!(put("bucket", "bad", "").oss(&twin).await.unwrap().status, 507);
    assert_eq!(put("bucket", "bad", "").oss(&twin).await.unwrap().status, 200);
    let answer = admin(&twin, "GET", "/faults", &Value::Null).await;
    // A line, so that the prompt of a terminal does not follow on it.
    assert_eq!(answer.body.last(), Some(&b'\n'), "{:?}", answer.body);
    let listed = answer.json();
    assert_eq!((&listed[0]["hits"], &listed[0]["fault"]["key"]), (&1.into(), &"bad".into()));
    let path = format!("/faults/{}", injected["id"]);
    assert_eq!(admin(&twin, "DELETE", &path, &Value::Null).await.status, 200);
    assert_eq!(admin(&twin, "DELETE", &path, &Value::Null).await.status, 404);
    let unknown =
        admin(&twin, "POST", "/faults", &json!({"service": "oss", "action": "hang", "typo": 1})).await;
    assert_eq!(unknown.status, 400);
    assert!(unknown.text().contains("typo"), "{}", unknown.text());
}

#[tokio::test]
async fn another_process_can_set_up_watch_and_wait() {
    let twin = Twin::builder().start().await.unwrap();
    twin.oss().put("source", "k", "body");
    admin(&twin, "POST", "/buckets/obs/copy", &Value::Null).await;
    let task =
        admin(&twin, "POST", "/tasks", &json!({"source": "source", "destination": "copy"})).await.json();
    let url = task["sync_url"].as_str().unwrap();
    let path = url.strip_prefix(&twin.oms_url()).unwrap();
    let wanted =
        json!({"objects": [{"service": "obs", "bucket": "copy", "count": 1}], "accepted": 1, "idle": true});
    let wait = admin(&twin, "POST", "/wait", &wanted);
    let post = oms(&twin, twin.huawei_account(), "POST", path, r#"{"object_keys":["k"]}"#);
    let (met, posted) = tokio::join!(wait, post);
    assert_eq!((met.json(), posted.unwrap().status), (json!({"met": true}), 200));
    assert_eq!(admin(&twin, "GET", "/accepted", &Value::Null).await.json(), json!({"k": 1}));
    assert_eq!(admin(&twin, "GET", "/buckets/obs/copy", &Value::Null).await.json(), json!(["k"]));
    assert_eq!(admin(&twin, "GET", "/batches", &Value::Null).await.json()[0]["keys"], json!(["k"]));
    let stats = admin(&twin, "GET", "/stats", &Value::Null).await.json();
    assert_eq!(stats["requests"][0]["operation"], "CreateSyncEvents");
    let described = admin(&twin, "GET", "/", &Value::Null).await.json();
    assert_eq!(described, twin.describe());
    let account = &described["huawei_accounts"][0];
    let text = |name: &str| account[name].as_str().unwrap().to_owned();
    assert_eq!(&Account::permanent(text("access_key"), text("secret_key")), twin.huawei_account());
    let never = json!({"accepted": 2, "timeout_ms": 1});
    assert_eq!(admin(&twin, "POST", "/wait", &never).await.json(), json!({"met": false}));
    let status = format!("/tasks/{}/status", task["sync_task_id"].as_str().unwrap());
    assert_eq!(admin(&twin, "POST", &status, &json!({"status": "STOPPED"})).await.status, 200);
    assert_eq!(admin(&twin, "POST", "/tasks/none/status", &json!({"status": "STOPPED"})).await.status, 404);
}

#[tokio::test]
async fn a_twin_listens_on_loopback_only_and_stops_when_dropped() {
    let refused = Twin::builder().oss_addr(([0, 0, 0, 0], 0).into()).start().await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
    let twin = Twin::builder().start().await.unwrap();
    let url = twin.admin_url();
    twin.shutdown().await;
    assert!(exchange(&url, "GET", "/", &[], &Body::None).await.is_err());
}
