//! What is believed of OMS's answers, and what becomes of batches that it refuses.

use chrono::{TimeDelta, Utc};
use cloud_twin::{Fault, FaultResponse, ManualClock, Service, Twin};
use e2e::{Answer, Cloud, Function, OmsBridge, Shelf, event};

const PORTAL: &str = "<html><title>Sign in to the hotel's network</title></html>";

fn oms(response: FaultResponse) -> Fault {
    Fault::respond(Service::Oms, response).method("POST")
}

fn success(body: &str) -> FaultResponse {
    FaultResponse::error(200, "", "").body(body)
}

fn record(cloud: &Cloud, key: &str) -> serde_json::Value {
    cloud.record(Shelf::Failed, key).unwrap_or_else(|| panic!("{key} has no record"))
}

#[tokio::test]
async fn a_page_of_a_captive_portal_is_no_acceptance() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms(success(PORTAL)).times(2));
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    assert_eq!((cloud.oms_requests(), cloud.twin.accepted_count("a")), (3, 1));

    cloud.twin.faults().inject(oms(success(PORTAL)));
    let function = Function::on(&cloud).timeout(2).start().await;
    assert_eq!(function.invoke(event::put(["b"])).await, Answer::False);
    let failed = record(&cloud, "b");
    assert_eq!(
        (&failed["class"], &failed["error"]["status"]),
        (&"transient".into(), &200.into()),
        "{failed}"
    );
    assert!(failed["error"]["message"].as_str().unwrap().contains("not a response of OMS"), "{failed}");
    assert_eq!((cloud.twin.accepted_count("b"), cloud.record(Shelf::Success, "b")), (0, None));
}

#[tokio::test]
async fn an_error_is_found_wherever_it_stands_in_a_success() {
    for body in [
        r#"[{"error_code":"OMS.2004","error_msg":"later"}]"#,
        r#"{"results":[{"key":"a","error_code":"OMS.2004"}]}"#,
        r#"{"error_code":"OMS.2004"}"#,
        r#"{"code":"OMS.2004"}"#,
    ] {
        let cloud = Cloud::start().await;
        cloud.twin.faults().inject(oms(success(body)).times(1));
        let function = Function::on(&cloud).start().await;
        assert_eq!(function.invoke(event::put(["a"])).await, Answer::True, "{body}");
        assert_eq!((cloud.sent("a"), cloud.twin.accepted_count("a")), (2, 1), "{body}");
    }
}

#[tokio::test]
async fn json_without_an_error_is_success() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms(success(r#"{"sync_task_id":"t","accepted":1}"#)).times(1));
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    assert_eq!(cloud.oms_requests(), 1);
}

#[tokio::test]
async fn a_redirect_is_neither_followed_nor_success() {
    let cloud = Cloud::start().await;
    let elsewhere = format!("{}/elsewhere", cloud.twin.obs_url());
    for status in [301, 302, 307] {
        let portal = FaultResponse::error(status, "", "").header("location", &elsewhere).body("");
        cloud.twin.faults().inject(oms(portal).times(1));
        let function = Function::on(&cloud).start().await;
        assert_eq!(function.invoke(event::put(["a"])).await, Answer::False, "{status}");
        assert_eq!(record(&cloud, "a")["error"]["status"], status);
    }
    assert_eq!((cloud.connections(Service::Obs), cloud.twin.accepted_count("a")), (0, 0));
}

#[tokio::test]
async fn what_is_no_answer_about_the_task_is_not_taken_for_one() {
    for body in [PORTAL, "{}", r#"{"error_code":"OMS.2004"}"#, r#"[{"error_code":"OMS.1","error_msg":"no"}]"#]
    {
        let cloud = Cloud::start().await;
        cloud.twin.faults().inject(Fault::respond(Service::Oms, success(body)));
        let finished = OmsBridge::new(["status", "--json"]).settings(cloud.settings()).run().await;
        let oms = &finished.json()["oms"];
        assert!(oms["task"].is_null() && oms["last_day"].is_null(), "{body}: {finished:?}");
        // The second request would fail for the same reason.
        assert_eq!(oms["notes"].as_array().map(Vec::len), Some(1), "{body}: {finished:?}");
        assert_eq!(
            (finished.code, &finished.json()["error"]["setting"]),
            (Some(2), &"SYNC_URL".into()),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_key_that_is_too_large_for_the_gateway_is_singled_out() {
    let cloud = Cloud::start().await;
    let too_large = FaultResponse::error(413, "APIGW.0201", "Request entity too large");
    cloud.twin.faults().inject(oms(too_large).key_contains("large"));
    let function = Function::on(&cloud).start().await;
    let mut keys = event::keys("k", 9);
    keys.insert(4, "large".to_owned());
    assert_eq!(function.invoke(event::put(keys)).await, Answer::False);
    assert_eq!(cloud.recorded(Shelf::Success), event::keys("k", 9));
    let failed = record(&cloud, "large");
    assert_eq!((&failed["class"], &failed["error"]["status"]), (&"permanent".into(), &413.into()));
}

#[tokio::test]
async fn a_key_that_is_forbidden_is_singled_out_once_the_credentials_are_proved() {
    let cloud = Cloud::start().await;
    // In the words of a firewall, which say nothing of the signature.
    let blocked = FaultResponse::error(403, "", "").body("<html>blocked</html>");
    cloud.twin.faults().inject(oms(blocked).key_contains("passwd"));
    let function = Function::on(&cloud).start().await;
    let batch = |prefix: &str| {
        let mut keys = event::keys(prefix, 8);
        keys.insert(1, format!("{prefix}/passwd"));
        keys.insert(7, format!("{prefix}/passwd/2"));
        keys
    };
    assert_eq!(function.invoke(event::put(batch("a"))).await, Answer::False);
    assert_eq!(cloud.oms_requests(), 1, "nothing proves the credentials");
    assert_eq!(function.invoke(event::put(["proof"])).await, Answer::True);
    assert_eq!(function.invoke(event::put(batch("b"))).await, Answer::False);
    for key in event::keys("b", 8) {
        assert_eq!(cloud.twin.accepted_count(&key), 1, "{key}");
    }
    for key in ["b/passwd", "b/passwd/2"] {
        let failed = record(&cloud, key);
        assert_eq!((&failed["class"], &failed["error"]["status"]), (&"auth".into(), &403.into()), "{failed}");
    }
}

#[tokio::test]
async fn a_missing_permission_costs_one_search_and_then_a_request_a_batch() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["proof"])).await, Answer::True);
    let forbidden = cloud.twin.faults().inject(oms(FaultResponse::oms_forbidden()));
    let before = cloud.oms_requests();
    assert_eq!(function.invoke(event::put(event::keys("a", 95))).await, Answer::False);
    // Ten batches, and one of them halved down to some keys.
    let spent = cloud.oms_requests() - before;
    assert!((11..=29).contains(&spent), "{spent}");
    assert_eq!(cloud.recorded(Shelf::Failed).len(), 95);
    let before = cloud.oms_requests();
    assert_eq!(function.invoke(event::put(event::keys("b", 30))).await, Answer::False);
    assert_eq!(cloud.oms_requests() - before, 3, "no batch is halved");
    // Granted: as before at once, and the next forbidden batch is halved again.
    cloud.twin.faults().clear(forbidden);
    assert_eq!(function.invoke(event::put(event::keys("c", 10))).await, Answer::True);
    cloud.twin.faults().inject(oms(FaultResponse::oms_forbidden()).key_contains("bad"));
    assert_eq!(function.invoke(event::put(["d-0", "bad", "d-1"])).await, Answer::False);
    assert_eq!((cloud.twin.accepted_count("d-0"), cloud.twin.accepted_count("d-1")), (1, 1));
}

#[tokio::test]
async fn a_clock_that_is_set_right_again_is_noticed() {
    let clock = ManualClock::new(Utc::now() + TimeDelta::hours(2));
    let cloud = Cloud::with(Twin::builder().clock(clock.clone())).await;
    let function = Function::on(&cloud).start().await;
    for (key, ahead) in [("a", 120), ("b", 120), ("c", 0), ("d", 0), ("e", -90), ("f", 0)] {
        clock.set(Utc::now() + TimeDelta::minutes(ahead));
        assert_eq!(function.invoke(event::put([key])).await, Answer::True, "{key}: {}", function.log());
        assert_eq!(cloud.twin.accepted_count(key), 1, "{key}");
    }
    let refused = cloud.twin.stats().bad_signatures[&Service::Oms];
    assert_eq!(refused, 4, "once for each change");
}
