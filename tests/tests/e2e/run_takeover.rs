//! A run that was silent for so long that another one took its place: once it goes on, it sends nothing more.

use chrono::TimeDelta;
use cloud_twin::{Fault, FaultAction, FaultId, Service};
use e2e::cloud::SOURCE;
use e2e::process::Process;
use e2e::{Answer, Cloud, Function};

use crate::confirm::{LATE, accept, confirm, lose};
use crate::reconcile_timer::{cloud, put_unnoticed, tick};

/// Longer than a run may be silent.
const SILENCE: TimeDelta = TimeDelta::seconds(301);

/// The first look at the destination is not answered until the fault is lifted.
fn hold_one_look(cloud: &Cloud) -> FaultId {
    let hold = Fault::new(Service::Obs, FaultAction::Hold).method("HEAD").key_contains("a").times(1);
    cloud.twin.faults().inject(hold)
}

#[tokio::test]
async fn a_slice_whose_place_was_taken_sends_nothing() {
    let (cloud, clock, settings) = cloud().await;
    put_unnoticed(&cloud, &["a"]);
    lose(&cloud, "a");
    clock.advance(LATE);
    let (first, second) =
        tokio::join!(Function::with(settings.clone()).start(), Function::with(settings).start());
    let hold = hold_one_look(&cloud);
    let takeover = async {
        cloud.until(|twin| twin.faults().hits(hold) > 0).await;
        clock.advance(SILENCE);
        let answer = second.invoke(tick()).await;
        cloud.twin.faults().clear(hold);
        answer
    };
    assert_eq!(tokio::join!(first.invoke(tick()), takeover), (Answer::True, Answer::True));
    assert!(first.log().contains("another slice has taken over"), "{}", first.log());
    assert_eq!(cloud.twin.accepted_count("a"), 1, "by the second alone");
}

#[tokio::test]
async fn a_run_of_confirmations_whose_place_was_taken_sends_nothing() {
    let (cloud, clock, settings) = cloud().await;
    cloud.twin.oss().put(SOURCE, "a", "abc");
    lose(&cloud, "a");
    accept(&cloud, &settings, &["a"]).await;
    clock.advance(LATE);
    let hold = hold_one_look(&cloud);
    let mut first = Process::spawn(&["confirm".to_owned()], &settings);
    cloud.until(|twin| twin.faults().hits(hold) > 0).await;
    clock.advance(SILENCE);
    let (_, second) = confirm(&settings).await;
    assert_eq!(second["resent"], 1, "{second}");
    cloud.twin.faults().clear(hold);
    assert_eq!(first.wait().await.code(), Some(3));
    assert!(first.stderr().contains("another run has taken over"), "{}", first.stderr());
    assert_eq!(cloud.twin.accepted_count("a"), 2, "by the event, and by the second run");
}
