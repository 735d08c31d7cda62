use chrono::Utc;
use cloud_twin::{Account, Service, SyncTaskHandle, SyncTaskStatus, Twin, TwinEvent};

use crate::sign::{oms, post_keys, task_path};

async fn twin() -> (Twin, SyncTaskHandle) {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_oss_bucket("source");
    twin.create_obs_bucket("copy");
    let task = twin.create_sync_task("source", "copy");
    (twin, task)
}

#[tokio::test]
async fn accepted_keys_are_counted_and_copied() {
    let (twin, task) = twin().await;
    let mut events = twin.subscribe();
    twin.oss().put("source", "dir/测 a+b.txt", "body");
    let answer = post_keys(&twin, &task, &["dir%2F%E6%B5%8B%20a%2Bb.txt", "gone"]).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    twin.wait_until(Twin::is_idle).await;
    assert_eq!(twin.obs().get("copy", "dir/测 a+b.txt").unwrap().body, "body");
    assert_eq!(twin.accepted_count("dir/测 a+b.txt"), 1);
    assert_eq!(twin.oms_batches()[0].keys, ["dir/测 a+b.txt", "gone"]);
    let keys = vec!["dir/测 a+b.txt".to_owned(), "gone".to_owned()];
    let (bucket, key) = ("copy".to_owned(), keys[0].clone());
    let expected = [
        TwinEvent::ObjectPut { service: Service::Oss, bucket: "source".to_owned(), key: key.clone() },
        TwinEvent::OmsAccepted { sync_task_id: task.sync_task_id, keys },
        TwinEvent::ObjectCopied { bucket: bucket.clone(), key },
        TwinEvent::CopyFailed { bucket, key: "gone".to_owned(), reason: "no such source object".to_owned() },
    ];
    for event in expected {
        assert_eq!(events.recv().await.unwrap(), event);
    }
}

#[tokio::test]
async fn bad_batches_are_refused_whole() {
    let (twin, task) = twin().await;
    let too_long = "k".repeat(16_385);
    let batches: [&[&str]; 6] = [&["k"; 11], &[], &["a/b"], &["a+b"], &["fine", "not fine"], &[&too_long]];
    for batch in batches {
        let answer = post_keys(&twin, &task, batch).await.unwrap();
        assert_eq!(answer.status, 400);
        let expected =
            serde_json::json!({"error_code": "OMS.0064", "error_msg": "Invalid request parameters."});
        assert_eq!(answer.json(), expected);
    }
    assert_eq!(twin.accepted().len(), 0);
    assert_eq!(post_keys(&twin, &task, &["k"; 10]).await.unwrap().status, 200);
    let statuses: Vec<_> = twin.oms_batches().iter().map(|batch| batch.status).collect();
    assert_eq!(statuses, [400, 400, 400, 400, 400, 400, 200]);
}

#[tokio::test]
async fn the_batch_limit_can_be_raised_to_a_hundred() {
    let twin = Twin::builder().oms_max_keys(1000).start().await.unwrap();
    let task = twin.create_sync_task("source", "copy");
    assert_eq!(post_keys(&twin, &task, &["k"; 100]).await.unwrap().status, 200);
    assert_eq!(post_keys(&twin, &task, &["k"; 101]).await.unwrap().status, 400);
}

#[tokio::test]
async fn unknown_and_stopped_tasks_take_nothing() {
    let (twin, task) = twin().await;
    let unknown = SyncTaskHandle { sync_task_id: "unknown".to_owned(), ..task.clone() };
    let answer = post_keys(&twin, &unknown, &["k"]).await.unwrap();
    assert_eq!((answer.status, answer.json()["error_code"].as_str()), (404, Some("OMS.0054")));
    assert!(twin.set_sync_task_status(&task, SyncTaskStatus::Stopped));
    assert_eq!(post_keys(&twin, &task, &["k"]).await.unwrap().status, 400);
    let started =
        oms(&twin, twin.huawei_account(), "POST", &format!("{}/start", task_path(&task)), "{}").await;
    assert_eq!(started.unwrap().status, 200);
    assert_eq!(post_keys(&twin, &task, &["k"]).await.unwrap().status, 200);
}

#[tokio::test]
async fn six_bad_signatures_lock_the_key_for_everybody() {
    let (twin, task) = twin().await;
    let wrong = Account::permanent(twin.huawei_account().access_key.clone(), "wrong");
    let events = format!("{}/events", task_path(&task));
    for _ in 0..6 {
        let answer = oms(&twin, &wrong, "POST", &events, "{}").await.unwrap();
        assert_eq!((answer.status, answer.json()["error_code"].as_str()), (401, Some("APIGW.0301")));
        assert_eq!(answer.json()["request_id"].as_str(), answer.header("x-request-id"));
        let text = answer.json()["error_msg"].as_str().unwrap().to_owned();
        let start =
            "Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:POST|";
        assert!(text.starts_with(start), "{text}");
    }
    let locked = post_keys(&twin, &task, &["k"]).await.unwrap();
    let text = "Incorrect IAM authentication information: AK access failed to reach the limit,forbidden";
    assert_eq!((locked.status, locked.json()["error_msg"].as_str()), (401, Some(text)));
    assert_eq!(twin.stats().bad_signatures[&Service::Oms], 7);
}

#[tokio::test]
async fn a_copy_of_the_same_size_that_is_newer_is_skipped() {
    use chrono::{DateTime, TimeDelta};
    let clock = cloud_twin::ManualClock::new(Utc::now());
    let twin = Twin::builder().clock(clock.clone()).start().await.unwrap();
    let task = twin.create_sync_task("source", "copy");
    twin.oss().put("source", "k", "old!");
    clock.advance(TimeDelta::seconds(1));
    twin.obs().put("copy", "k", "copy");
    assert_eq!(post_keys(&twin, &task, &["k"]).await.unwrap().status, 200);
    twin.wait_until(Twin::is_idle).await;
    assert_eq!(twin.obs().get("copy", "k").unwrap().body, "copy");
    clock.advance(TimeDelta::seconds(1));
    twin.oss().put("source", "k", "new!");
    assert_eq!(post_keys(&twin, &task, &["k"]).await.unwrap().status, 200);
    twin.wait_until(Twin::is_idle).await;
    assert_eq!(twin.obs().get("copy", "k").unwrap().body, "new!");
    let now: DateTime<Utc> = Utc::now();
    let show = format!("{}?query_time={}", task_path(&task), now.timestamp_millis());
    let shown = oms(&twin, twin.huawei_account(), "GET", &show, "").await.unwrap().json();
    assert_eq!((&shown["monthly_skip_object"], &shown["monthly_size"]), (&1.into(), &4.into()));
}

#[tokio::test]
async fn a_task_tells_its_counters() {
    let (twin, task) = twin().await;
    twin.oss().put("source", "here", "12345");
    assert_eq!(post_keys(&twin, &task, &["here", "gone"]).await.unwrap().status, 200);
    twin.wait_until(Twin::is_idle).await;
    let account = twin.huawei_account();
    let now = Utc::now().timestamp_millis();
    let path = task_path(&task);
    let shown = oms(&twin, account, "GET", &format!("{path}?query_time={now}"), "").await.unwrap().json();
    assert_eq!(shown["status"], "SYNCHRONIZING");
    assert_eq!((&shown["src_bucket"], &shown["dst_bucket"]), (&"source".into(), &"copy".into()));
    let counters = ["acceptance_request", "success_object", "failure_object", "skip_object"];
    let counters = counters.map(|name| shown[format!("monthly_{name}")].as_u64().unwrap());
    assert_eq!((counters, &shown["monthly_size"]), ([2, 1, 1, 0], &5.into()));
    assert_eq!(oms(&twin, account, "GET", &path, "").await.unwrap().status, 400, "query_time is required");

    let project = path.rsplit_once('/').unwrap().0;
    let list = oms(&twin, account, "GET", &format!("{project}?limit=1&status=SYNCHRONIZING"), "")
        .await
        .unwrap()
        .json();
    assert_eq!(
        (&list["count"], &list["tasks"][0]["sync_task_id"]),
        (&1.into(), &task.sync_task_id.clone().into())
    );
    let from = now - 3_600_000;
    let query = format!("{path}/statistics?data_type=REQUEST%2CSUCCESS&end_time={now}&start_time={from}");
    let statistics = oms(&twin, account, "GET", &query, "").await.unwrap().json();
    assert_eq!(statistics["statistic_time_type"], "FIVE_MINUTES");
    assert_eq!(statistics["statistic_datas"][0]["data_type"], "REQUEST");
    let requests = statistics["statistic_datas"][0]["data"].as_array().unwrap();
    let total: u64 = requests.iter().map(|point| point["statistic_num"].as_u64().unwrap()).sum();
    assert_eq!(total, 2);
}
