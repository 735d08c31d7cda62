//! `POST /initialize` where a service cannot be reached. If it failed, the platform would replace the instance again and again,
//! while a healthy journal could take the events.

use std::time::Duration;

use cloud_twin::{Fault, FaultAction, Service};
use e2e::{Answer, Cloud, Function, OmsBridge, Settings, Shelf, event};
use tokio::time::timeout;

use crate::lifecycle::Nowhere;

/// What `s.yaml` gives the initializer. After that the platform replaces the instance.
const INITIALIZER: Duration = Duration::from_secs(30);

/// The function after it has answered `/initialize` in time, with 200.
async fn initialized(settings: Settings) -> Function {
    let function = Function::with(settings).timeout(2).start().await;
    let reply = timeout(INITIALIZER, function.initialize()).await;
    let reply = reply.unwrap_or_else(|_| panic!("not initialized in time: {}", function.log()));
    assert_eq!((reply.status, reply.fc_status.as_deref(), &*reply.body), (200, Some("200"), ""), "{reply:?}");
    function
}

#[tokio::test]
async fn a_service_that_refuses_connections_is_logged_and_no_failure() {
    let cloud = Cloud::start().await;
    let nowhere = Nowhere::new();
    for (settings, name, value, service) in [
        (cloud.settings(), "SYNC_URL", nowhere.sync_url(), "OMS"),
        (cloud.settings(), "OSS_ENDPOINT", nowhere.url(), "the log bucket"),
        (cloud.copy_settings(), "DEST_ENDPOINT", nowhere.url(), "the destination"),
        (
            cloud.copy_settings().set("SOURCE_BUCKET", "source"),
            "SOURCE_ENDPOINT",
            nowhere.url(),
            "the source",
        ),
    ] {
        let function = initialized(settings.set(name, value)).await;
        let line = function.log().lines().find(|line| line.contains("cannot be reached")).map(str::to_owned);
        let line = line.unwrap_or_else(|| panic!("{service}: {}", function.log()));
        assert!(line.contains("WARN") && line.contains("refused"), "{line}");
        assert!(line.contains(&format!("{service} cannot be reached")), "{line}");
        assert_eq!(function.log().matches("cannot be reached").count(), 1, "once: {}", function.log());
    }
}

#[tokio::test]
async fn all_that_cannot_be_reached_are_named() {
    let cloud = Cloud::start().await;
    let nowhere = Nowhere::new();
    let settings = cloud.oms_then_copy_settings().set("SYNC_URL", nowhere.sync_url());
    let settings = settings.set("DEST_ENDPOINT", nowhere.url()).set("OSS_ENDPOINT", nowhere.url());
    let log = initialized(settings).await.log();
    for service in ["OMS", "the destination", "the log bucket"] {
        assert!(log.contains(&format!("{service} cannot be reached")), "{service}: {log}");
    }
}

#[tokio::test]
async fn a_service_that_hangs_does_not_use_up_the_time_for_the_start() {
    for (service, settings, name) in [
        (Service::Oms, Cloud::settings as fn(&Cloud) -> Settings, "OMS"),
        (Service::Oss, Cloud::settings, "the log bucket"),
        (Service::Obs, Cloud::copy_settings, "the destination"),
    ] {
        let cloud = Cloud::start().await;
        cloud.twin.faults().inject(Fault::new(service, FaultAction::Hang));
        let function = initialized(settings(&cloud)).await;
        function.logged(&format!("{name} cannot be reached: no reply in time")).await;
    }
}

#[tokio::test]
async fn events_go_to_the_journal_then() {
    let cloud = Cloud::start().await;
    let nowhere = Nowhere::new();
    let function = initialized(cloud.copy_settings().set("DEST_ENDPOINT", nowhere.url())).await;
    cloud.twin.oss().put(e2e::cloud::SOURCE, "a", "x");
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::False);
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), ["a"]);
}

#[tokio::test]
async fn a_bad_configuration_still_ends_the_start() {
    let cloud = Cloud::start().await;
    let settings = cloud.settings().unset("LOG_BUCKET").and(e2e::function::function_compute());
    let finished = OmsBridge::new(["serve", "--listen", "127.0.0.1:0"]).settings(settings).run().await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("LOG_BUCKET: missing"), "{finished:?}");
}
