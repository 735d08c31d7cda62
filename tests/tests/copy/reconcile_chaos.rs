//! `reconcile --fix copy --delete-extra` between buckets whose services fail at random: whatever happens, nothing
//! that the source has is lost at the destination, no more is deleted than allowed, and exit code 0 means that
//! both are equal.

use std::collections::BTreeMap;

use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::Cloud;
use e2e::cloud::{MIRROR, SOURCE};

use crate::reconcile_repair::repair;

/// More runs: `RECONCILE_CHAOS=5000`.
fn runs() -> u64 {
    std::env::var("RECONCILE_CHAOS").ok().and_then(|text| text.parse().ok()).unwrap_or(30)
}

type Objects = BTreeMap<String, Vec<u8>>;

fn objects(cloud: &Cloud, service: Service) -> Objects {
    let (store, bucket) = match service {
        Service::Oss => (cloud.twin.oss(), SOURCE),
        _ => (cloud.twin.obs(), MIRROR),
    };
    let keys = store.keys(bucket).into_iter();
    keys.filter_map(|key| store.get(bucket, &key).map(|object| (key, object.body.to_vec()))).collect()
}

fn is_own(key: &str) -> bool {
    key.starts_with("oms/") || key.starts_with("oms_source_record/")
}

fn body(random: &mut fastrand::Rng) -> String {
    "abc"[..random.usize(1..=3)].to_owned()
}

fn fault(random: &mut fastrand::Rng, keys: &[String]) -> Fault {
    let service = if random.bool() { Service::Oss } else { Service::Obs };
    let response = match random.u8(..6) {
        0 => FaultResponse::error(403, "AccessDenied", "no"),
        // Not the service's own word, which could not be told from the truth.
        1 => FaultResponse::error(404, "NotTheServices", ""),
        2 => FaultResponse::error(404, "NoSuchBucket", "The specified bucket does not exist."),
        3 => FaultResponse::error(503, "ServiceUnavailable", "later"),
        4 => FaultResponse::error(200, "", ""),
        _ => FaultResponse::error(500, "InternalError", "no"),
    };
    let action = match random.u8(..9) {
        0 => FaultAction::RespondAsProxy(response),
        1 => FaultAction::RespondAfterWork(response),
        2 => FaultAction::ResetBeforeReading,
        3 => FaultAction::ResetMidResponse,
        4 => FaultAction::CorruptResponse,
        5 => FaultAction::TruncateResponse,
        6 if service == Service::Oss => FaultAction::ReplaceFirst { body: body(random) },
        _ => FaultAction::Respond(response),
    };
    let is_of_key = matches!(action, FaultAction::ReplaceFirst { .. }) || random.bool();
    let mut fault = Fault::new(service, action).after(random.u64(..4));
    if is_of_key {
        fault = fault.key_contains(random.choice(keys).map(String::as_str).unwrap_or_default());
        fault = fault.method(*random.choice(&["HEAD", "GET", "DELETE", "PUT"]).unwrap_or(&"HEAD"));
    } else {
        fault = fault.path_contains("max-keys=");
    }
    if random.u8(..4) > 0 { fault.times(random.u64(1..4)) } else { fault }
}

#[tokio::test]
async fn whatever_fails_nothing_of_the_source_is_lost_and_nothing_false_is_said() {
    for seed in 0..runs() {
        let random = &mut fastrand::Rng::with_seed(seed);
        let cloud = Cloud::start().await;
        let mut keys: Vec<String> = (0..random.usize(1..16)).map(|number| format!("k{number:02}")).collect();
        keys.extend(["oms/x".to_owned(), "oms_source_record/x".to_owned()]);
        for key in &keys {
            let at = random.u8(..6);
            let (ours, theirs) = (body(random), body(random));
            if at != 0 && !is_own(key) {
                cloud.twin.oss().put(SOURCE, key, ours.clone());
            }
            if at != 1 {
                cloud.twin.obs().put(MIRROR, key, if at > 2 { ours } else { theirs });
            }
        }
        let faults: Vec<Fault> = (0..random.usize(..4)).map(|_| fault(random, &keys)).collect();
        for fault in faults.clone() {
            cloud.twin.faults().inject(fault);
        }
        let most = random.usize(1..6);
        let check = *random.choice(&["listing", "full", "content"]).unwrap_or(&"full");
        let options =
            ["--fix", "copy", "--delete-extra", "--max-delete", &most.to_string(), "--check", check];
        let before = objects(&cloud, Service::Obs);
        let finished = repair(&cloud, &options).run().await;
        let (source, after) = (objects(&cloud, Service::Oss), objects(&cloud, Service::Obs));
        let what = format!("seed {seed}: {faults:?} {options:?}: {finished:?}");
        let gone: Vec<_> = before.keys().filter(|key| !after.contains_key(*key)).collect();
        assert!(gone.len() <= most, "{gone:?}: {what}");
        for key in gone {
            assert!(!source.contains_key(key) && !is_own(key), "{key}: {what}");
        }
        let changes = faults.iter().any(|fault| matches!(fault.action, FaultAction::ReplaceFirst { .. }));
        if finished.code == Some(0) && !changes {
            let compared = after.into_iter().filter(|(key, _)| !is_own(key)).collect::<Objects>();
            assert_eq!(source, compared, "{what}");
        }
        assert!(finished.code.is_some(), "{what}");
    }
}
