//! Time is tokio's, paused, and a wall clock that tests set.

use std::cell::Cell;

use futures_util::FutureExt as _;

use super::*;
use crate::registry::{Breakers, REMEMBERED};

thread_local! {
    /// Seconds that the wall clock is ahead of its start.
    static WALL: Cell<i64> = const { Cell::new(0) };
}

const START: i64 = 1_700_000_000;

fn wall() -> DateTime<Utc> {
    DateTime::from_timestamp(START + WALL.get(), 0).unwrap()
}

async fn pass(time: Duration) {
    WALL.set(WALL.get() + i64::try_from(time.as_secs()).unwrap());
    tokio::time::advance(time).await;
}

fn breakers() -> Breakers {
    WALL.set(0);
    Breakers::new(wall)
}

fn credentials(secret: &str) -> oss_lite::Credentials {
    oss_lite::Credentials::new("HUAWEIACCESSKEY01", secret)
}

fn breaker() -> Breaker {
    breakers().of_store(&credentials("secret"))
}

/// A permit without waiting.
fn permit(breaker: &Breaker) -> Result<Permit, NoPermit> {
    breaker.permit(None).now_or_never().expect("no turn to wait for")
}

fn refuse(breaker: &Breaker) {
    permit(breaker).unwrap().answered(SignatureVerdict::Refused);
}

fn accept(breaker: &Breaker) {
    permit(breaker).unwrap().answered(SignatureVerdict::Accepted);
}

fn is_shut(breaker: &Breaker) -> bool {
    matches!(permit(breaker), Err(NoPermit::Shut(_)))
}

/// Whether a second request would have to wait for the first.
fn is_one_at_a_time(breaker: &Breaker) -> bool {
    let _first = permit(breaker).unwrap();
    breaker.permit(None).now_or_never().is_none()
}

#[tokio::test(start_paused = true)]
async fn two_refusals_shut_it_and_after_the_window_one_request_tries_again() {
    let breaker = breaker();
    refuse(&breaker);
    refuse(&breaker);
    let Err(NoPermit::Shut(shut)) = permit(&breaker) else { panic!("not shut") };
    assert_eq!(shut.resumes, wall() + TimeDelta::minutes(5));
    assert_eq!(
        shut.to_string(),
        "not sent: access key HUAW****01 was refused a moment ago; sending resumes at 2023-11-14T22:18:20Z"
    );
    pass(WINDOW.saturating_sub(Duration::from_secs(1))).await;
    assert!(is_shut(&breaker));
    pass(Duration::from_secs(1)).await;
    assert!(is_one_at_a_time(&breaker));
    refuse(&breaker);
    assert!(is_shut(&breaker), "one refusal suffices");
    pass(WINDOW).await;
    accept(&breaker);
    refuse(&breaker);
    assert!(!is_shut(&breaker), "an acceptance starts the count afresh");
}

#[tokio::test(start_paused = true)]
async fn no_window_has_more_than_two_refusals() {
    let breaker = breaker();
    let mut refused: Vec<u64> = Vec::new();
    for second in 0..3600_u64 {
        // The first ones far apart, then as often as it is let.
        if second != 0 && second < 290 {
            pass(Duration::from_secs(1)).await;
            continue;
        }
        while !is_shut(&breaker) {
            refuse(&breaker);
            refused.push(second);
            if second == 0 {
                break;
            }
        }
        pass(Duration::from_secs(1)).await;
    }
    assert!(refused.len() > 10, "{refused:?}");
    assert!(refused.windows(3).all(|three| three[2] - three[0] >= WINDOW.as_secs()), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_changes_nothing() {
    let breaker = breaker();
    for _ in 0..20 {
        permit(&breaker).unwrap().answered(SignatureVerdict::Unknown);
        drop(permit(&breaker).unwrap());
    }
    assert!(is_one_at_a_time(&breaker), "not proven");
    refuse(&breaker);
    permit(&breaker).unwrap().answered(SignatureVerdict::Unknown);
    refuse(&breaker);
    assert!(is_shut(&breaker), "not forgiven");
}

#[tokio::test(start_paused = true)]
async fn unproven_credentials_go_one_request_at_a_time_until_one_is_accepted() {
    let breaker = breaker();
    let first = permit(&breaker).unwrap();
    let mut second = Box::pin(breaker.permit(None));
    assert!(second.as_mut().now_or_never().is_none());
    first.answered(SignatureVerdict::Accepted);
    let _second = second.await.unwrap();
    assert!(breaker.is_proven() && !is_one_at_a_time(&breaker));
    refuse(&breaker);
    assert!(!breaker.is_proven() && is_one_at_a_time(&breaker));
}

#[tokio::test(start_paused = true)]
async fn those_who_waited_for_the_turn_are_held_back_when_it_shuts() {
    let breaker = breaker();
    let first = permit(&breaker).unwrap();
    let mut second = Box::pin(breaker.permit(None));
    assert!(second.as_mut().now_or_never().is_none());
    first.answered(SignatureVerdict::Locked);
    assert!(matches!(second.await, Err(NoPermit::Shut(_))));
}

#[tokio::test(start_paused = true)]
async fn a_turn_is_waited_for_until_the_deadline() {
    let breaker = breaker();
    let _first = permit(&breaker).unwrap();
    let deadline = Instant::now() + Duration::from_secs(7);
    assert_eq!(breaker.permit(Some(deadline)).await.unwrap_err(), NoPermit::TimeUp);
    assert_eq!(Instant::now(), deadline);
}

#[tokio::test(start_paused = true)]
async fn a_proof_is_good_for_the_window_after_the_last_acceptance() {
    let breaker = breaker();
    accept(&breaker);
    pass(Duration::from_mins(4)).await;
    accept(&breaker);
    pass(Duration::from_mins(4)).await;
    assert!(breaker.is_proven());
    pass(Duration::from_mins(1)).await;
    assert!(is_one_at_a_time(&breaker));
}

#[tokio::test(start_paused = true)]
async fn an_acceptance_of_what_was_sent_before_a_refusal_proves_nothing() {
    let breaker = breaker();
    accept(&breaker);
    let slow = permit(&breaker).unwrap();
    refuse(&breaker);
    refuse(&breaker);
    slow.answered(SignatureVerdict::Accepted);
    assert!(is_shut(&breaker));
}

#[tokio::test(start_paused = true)]
async fn either_clock_ends_the_window() {
    let breaker = breaker();
    let shut = || {
        refuse(&breaker);
        if !is_shut(&breaker) {
            refuse(&breaker);
        }
        assert!(is_shut(&breaker));
    };
    shut();
    // Frozen: only the wall clock went on.
    WALL.set(WALL.get() + 301);
    assert!(!is_shut(&breaker));
    shut();
    // The wall clock was set back meanwhile.
    WALL.set(WALL.get() - 7200);
    tokio::time::advance(Duration::from_secs(299)).await;
    assert!(is_shut(&breaker));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(!is_shut(&breaker));
    accept(&breaker);
    WALL.set(WALL.get() + 301);
    assert!(!breaker.is_proven(), "a frozen instance's proof is old");
}

#[tokio::test(start_paused = true)]
async fn both_kinds_of_credentials_share_a_breaker_and_other_ones_have_their_own() {
    let breakers = breakers();
    let oms = apig_signer::Credentials::new("HUAWEIACCESSKEY01", "secret");
    refuse(&breakers.of_oms(&oms));
    refuse(&breakers.of_store(&credentials("secret")));
    assert!(is_shut(&breakers.of_oms(&oms)) && is_shut(&breakers.of_store(&credentials("secret"))));
    let (token, other) = (credentials("secret").with_security_token("t"), credentials("other"));
    for unaffected in [&token, &other, &oss_lite::Credentials::new("HUAWEIACCESSKEY02", "secret")] {
        assert!(!is_shut(&breakers.of_store(unaffected)), "{unaffected:?}");
    }
    let temporary = apig_signer::Credentials::new("HUAWEIACCESSKEY01", "secret").with_security_token("t");
    refuse(&breakers.of_oms(&temporary));
    refuse(&breakers.of_store(&token));
    assert!(is_shut(&breakers.of_oms(&temporary)), "a token makes the difference for both");
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_the_access_keys_whatever_the_secret() {
    let breakers = breakers();
    let (wrong, right) = (breakers.of_store(&credentials("wrong")), breakers.of_store(&credentials("right")));
    accept(&right);
    permit(&wrong).unwrap().answered(SignatureVerdict::Locked);
    assert!(is_shut(&wrong) && is_shut(&right));
    pass(WINDOW).await;
    assert!(!is_shut(&right));
    refuse(&wrong);
    assert!(is_shut(&wrong) && !is_shut(&right));
}

#[tokio::test(start_paused = true)]
async fn keys_that_come_and_go_are_forgotten_but_no_refusal_is() {
    let breakers = breakers();
    let of = |id: usize| breakers.of_store(&oss_lite::Credentials::new(format!("STS.{id}"), "secret"));
    let kept = of(0);
    refuse(&of(1));
    refuse(&of(1));
    for id in 2..1000 {
        accept(&of(id));
        // Tokio lets a task that never yields take so many permits and no more.
        tokio::task::yield_now().await;
    }
    assert!(breakers.len() <= REMEMBERED);
    assert!(is_shut(&of(1)));
    accept(&kept);
    assert!(of(0).is_proven(), "what is in use is the same");
}

#[tokio::test]
async fn nothing_secret_is_shown() {
    let breakers = breakers();
    let breaker = breakers.of_store(&credentials("hush-secret").with_security_token("hush-token"));
    refuse(&breaker);
    refuse(&breaker);
    let shown = format!("{breakers:?} {breaker:?} {:?}", permit(&breaker));
    assert!(!shown.contains("hush") && !shown.contains("HUAWEIACCESSKEY01"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn what_one_service_accepts_neither_proves_it_to_another_nor_forgives_its_refusals() {
    let breakers = breakers();
    let oms = breakers.of_oms(&apig_signer::Credentials::new("HUAWEIACCESSKEY01", "secret"));
    let obs = breakers.of_store(&credentials("secret"));
    accept(&obs);
    assert!(obs.is_proven() && !oms.is_proven());
    refuse(&oms);
    assert!(!obs.is_proven(), "the secret may have been replaced");
    accept(&obs);
    refuse(&oms);
    assert!(is_shut(&oms) && !is_shut(&obs));
    accept(&obs);
    pass(WINDOW).await;
    refuse(&oms);
    assert!(is_shut(&oms) && !is_shut(&obs), "one probe in each window");
    pass(WINDOW).await;
    accept(&oms);
    assert!(oms.is_proven());
}
