//! Refused access keys are left alone, whichever service refuses them and whoever uses them.
//!
//! The local cloud checks each signature itself. Its sixth bad one in a row would lock the key for everybody.

use cloud_twin::{Fault, FaultResponse, Service};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Answer, Cloud, Copy, Function, OmsBridge, Records, Settings, Shelf, event};
use futures_util::future::join_all;

const EVENTS: usize = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Oms,
    Copy,
    OmsThenCopy,
}

const MODES: [Mode; 3] = [Mode::Oms, Mode::Copy, Mode::OmsThenCopy];

impl Mode {
    fn settings(self, cloud: &Cloud) -> Settings {
        match self {
            Self::Oms => cloud.settings(),
            Self::Copy => cloud.copy_settings().set("SOURCE_BUCKET", SOURCE),
            Self::OmsThenCopy => cloud.oms_then_copy_settings().set("SOURCE_BUCKET", SOURCE),
        }
    }

    fn records(self, cloud: &Cloud) -> Records<'_> {
        match self {
            Self::Copy => cloud.copy_records(),
            Self::Oms | Self::OmsThenCopy => cloud.records(),
        }
    }

    /// With a secret key that is not the one of `HW_AK`.
    fn wrong(self, cloud: &Cloud) -> Settings {
        self.settings(cloud).set("HW_SK", "not-the-secret")
    }
}

async fn cloud(keys: &[String]) -> Cloud {
    let cloud = Cloud::start().await;
    for key in keys {
        cloud.twin.oss().put(SOURCE, key, format!("content of {key}"));
    }
    cloud
}

/// Bad signatures of the access key, at OMS and OBS.
fn bad_signatures(cloud: &Cloud) -> u64 {
    let bad = cloud.twin.stats().bad_signatures;
    bad[&Service::Oms] + bad[&Service::Obs]
}

/// Refuses, then fails with 503, and so on, so that of two requests to `service` one says nothing.
fn every_second_is_unavailable(cloud: &Cloud, service: Service) {
    for passed in 1..=EVENTS {
        let away = FaultResponse::error(503, "ServiceUnavailable", "later");
        let fault = Fault::respond(service, away).after(passed.try_into().unwrap()).times(1);
        cloud.twin.faults().inject(fault);
    }
}

/// Asserts that the key with its right secret is not locked.
async fn assert_usable(mode: Mode, cloud: &Cloud) {
    cloud.twin.faults().clear_all();
    let run = OmsBridge::new(["send", "k-0"]).settings(mode.settings(cloud));
    let finished = run.run().await;
    assert_eq!(finished.code, Some(0), "{mode:?}: {finished:?}");
}

#[tokio::test]
async fn many_events_at_once_make_two_bad_signatures_in_any_mode() {
    let keys = event::keys("k", EVENTS);
    for mode in MODES {
        let cloud = cloud(&keys).await;
        let function = Function::with(mode.wrong(&cloud)).start().await;
        let answers = join_all(keys.iter().map(|key| function.invoke(event::put([key])))).await;
        assert!(answers.iter().all(|answer| *answer == Answer::False), "{mode:?}: {answers:?}");
        assert!((1..=2).contains(&bad_signatures(&cloud)), "{mode:?}: {}", bad_signatures(&cloud));
        assert_eq!(mode.records(&cloud).keys(Shelf::Failed).len(), EVENTS, "{mode:?}");
        assert_usable(mode, &cloud).await;
    }
}

#[tokio::test]
async fn events_one_after_another_do_not_either_and_what_is_not_sent_is_recorded_so() {
    let keys = event::keys("k", EVENTS);
    for mode in MODES {
        let cloud = cloud(&keys).await;
        let function = Function::with(mode.wrong(&cloud)).start().await;
        for key in &keys {
            assert_eq!(function.invoke(event::put([key])).await, Answer::False, "{mode:?} {key}");
        }
        assert!((1..=2).contains(&bad_signatures(&cloud)), "{mode:?}: {}", bad_signatures(&cloud));
        let record = mode.records(&cloud).get(Shelf::Failed, &keys[EVENTS - 1]).expect("a record");
        assert_eq!(record["class"], "auth", "{mode:?}: {record}");
        let message = record["error"]["message"].as_str().unwrap();
        assert!(message.contains("not sent") && message.contains("sending resumes at"), "{mode:?}: {record}");
        assert_usable(mode, &cloud).await;
    }
}

#[tokio::test]
async fn refusals_of_oms_and_obs_count_together() {
    let keys = event::keys("k", 3);
    let cloud = cloud(&keys).await;
    let function = Function::with(Mode::OmsThenCopy.wrong(&cloud)).start().await;
    for key in &keys {
        assert_eq!(function.invoke(event::put([key])).await, Answer::False);
    }
    let bad = cloud.twin.stats().bad_signatures;
    assert_eq!((bad[&Service::Oms], bad[&Service::Obs]), (1, 1));
}

#[tokio::test]
async fn what_obs_accepts_does_not_make_oms_be_asked_again_and_again() {
    let keys = event::keys("k", 12);
    let cloud = cloud(&keys).await;
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::error(401, "APIGW.0307", "no")));
    let function = Function::with(Mode::OmsThenCopy.settings(&cloud)).start().await;
    for key in &keys {
        assert_eq!(function.invoke(event::put([key])).await, Answer::True, "{key}: copied");
    }
    assert_eq!(cloud.oms_requests(), 2);
    assert_eq!(cloud.twin.obs().len(MIRROR), 12);
}

#[tokio::test]
async fn an_outage_between_the_refusals_proves_nothing() {
    let keys = event::keys("k", EVENTS);
    for mode in MODES {
        let cloud = cloud(&keys).await;
        every_second_is_unavailable(&cloud, Service::Oms);
        every_second_is_unavailable(&cloud, Service::Obs);
        let function = Function::with(mode.wrong(&cloud)).start().await;
        for key in &keys {
            assert_eq!(function.invoke(event::put([key])).await, Answer::False, "{mode:?} {key}");
        }
        assert!((1..=4).contains(&bad_signatures(&cloud)), "{mode:?}: {}", bad_signatures(&cloud));
        assert_usable(mode, &cloud).await;
    }
}

#[tokio::test]
async fn throttling_and_broken_connections_between_the_refusals_prove_nothing() {
    let keys = event::keys("k", 20);
    for fault in [
        Fault::respond(Service::Oms, FaultResponse::error(429, "APIGW.0308", "too many")),
        Fault::new(Service::Oms, cloud_twin::FaultAction::ResetBeforeReading),
    ] {
        let cloud = cloud(&keys).await;
        for passed in 1..=20 {
            cloud.twin.faults().inject(fault.clone().after(passed).times(1));
        }
        let function = Function::with(Mode::Oms.wrong(&cloud)).start().await;
        for key in &keys {
            assert_eq!(function.invoke(event::put([key])).await, Answer::False);
        }
        assert!((1..=2).contains(&bad_signatures(&cloud)), "{fault:?}: {}", bad_signatures(&cloud));
    }
}

#[tokio::test]
async fn good_credentials_are_used_as_soon_as_the_service_is_back() {
    let keys = event::keys("k", 12);
    for mode in MODES {
        let cloud = cloud(&keys).await;
        for service in [Service::Oms, Service::Obs] {
            let away = FaultResponse::error(503, "ServiceUnavailable", "later");
            cloud.twin.faults().inject(Fault::respond(service, away).times(2));
        }
        let function = Function::with(mode.settings(&cloud)).start().await;
        let answers = join_all(keys.iter().map(|key| function.invoke(event::put([key])))).await;
        assert!(answers.iter().all(|answer| *answer == Answer::True), "{mode:?}: {answers:?}");
        assert_eq!(bad_signatures(&cloud), 0);
    }
}

#[tokio::test]
async fn a_missing_permission_is_no_refused_key() {
    let keys = event::keys("k", 8);
    let cloud = cloud(&keys).await;
    let denied = Fault::respond(Service::Obs, FaultResponse::error(403, "AccessDenied", "no"));
    cloud.twin.faults().inject(denied.key_contains("k-").times(6));
    let function = Function::with(Mode::Copy.settings(&cloud)).start().await;
    let mut answers = Vec::new();
    for key in &keys {
        answers.push(function.invoke(event::put([key])).await);
    }
    assert_eq!(answers[6..], [Answer::True, Answer::True], "{answers:?}");
}

#[tokio::test]
async fn commands_share_it_among_all_that_they_ask() {
    let keys = event::keys("k", 40);
    for arguments in [
        &["doctor"][..],
        &["explain", "k-0"],
        &["status"],
        &["send", "k-0", "k-1", "k-2", "k-3"],
        &["replay"],
    ] {
        for mode in MODES {
            let cloud = cloud(&keys).await;
            if arguments == ["replay"] {
                let down = FaultResponse::error(503, "ServiceUnavailable", "later");
                for service in [Service::Oms, Service::Obs] {
                    cloud.twin.faults().inject(Fault::respond(service, down.clone()));
                }
                let function = Function::with(mode.settings(&cloud)).timeout(2).start().await;
                assert_eq!(function.invoke(event::put(&keys)).await, Answer::False);
                cloud.twin.faults().clear_all();
            }
            let run = OmsBridge::new(arguments.iter().copied()).settings(mode.wrong(&cloud));
            let finished = run.run().await;
            assert!(bad_signatures(&cloud) <= 2, "{arguments:?} {mode:?}: {}", bad_signatures(&cloud));
            let asks = mode != Mode::Copy || arguments != ["status"];
            let expected = if asks { 4 } else { 0 };
            // A replay in which other keys failed as well says so.
            let told =
                finished.code == Some(expected) || (arguments == ["replay"] && finished.code == Some(3));
            assert!(told, "{arguments:?} {mode:?}: {finished:?}");
        }
    }
}

#[tokio::test]
async fn what_a_replay_holds_back_counts_as_no_attempt() {
    let keys = event::keys("k", 35);
    for mode in MODES {
        let cloud = cloud(&keys).await;
        let function = Function::with(mode.wrong(&cloud)).start().await;
        assert_eq!(function.invoke(event::put(&keys)).await, Answer::False, "{mode:?}");
        let run = OmsBridge::new(["replay", "--json"]).settings(mode.wrong(&cloud)).run();
        assert_ne!(run.await.code, Some(0), "{mode:?}");
        let attempts =
            |key: &String| mode.records(&cloud).get(Shelf::Failed, key).unwrap()["attempts"].as_u64();
        let tried = keys.iter().filter(|key| attempts(key) != Some(1)).count();
        // OMS refuses batches of ten.
        let most = if mode == Mode::Copy { 2 } else { 20 };
        assert!(tried <= most, "{mode:?}: {tried}");
    }
}

#[tokio::test]
async fn a_direct_copy_of_many_objects_makes_two_bad_signatures_at_either_end() {
    let keys = event::keys("k", 40);
    let cloud = cloud(&keys).await;
    let run = Copy::new(&cloud.twin, format!("oss://{SOURCE}"), "obs://mirror").with(["-r", "--force"]);
    let finished = run.set("HW_SK", "not-the-secret").run().await;
    assert_eq!(finished.code, Some(4), "{finished:?}");
    assert!((1..=2).contains(&bad_signatures(&cloud)), "{}", bad_signatures(&cloud));
    let oss = Copy::new(&cloud.twin, format!("oss://{SOURCE}"), "oss://logs/x").with(["-r", "--force"]);
    let oss = oss.set("DEST_AK", "LTAIunknownAccessKey").set("DEST_SK", "x").run().await;
    assert_eq!(oss.code, Some(4), "{oss:?}");
    assert!((1..=2).contains(&cloud.twin.stats().bad_signatures[&Service::Oss]));
}
