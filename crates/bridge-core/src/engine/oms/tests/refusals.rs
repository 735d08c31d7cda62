//! Answers that are not believed, refused credentials, forbidden batches, clocks.

use super::*;

#[tokio::test]
async fn a_truncated_response_is_not_trusted() {
    for cut in ["", "{\"sync_task_id\":", "<html>"] {
        let server = Server::start(move |number, _| match number {
            0 => Reply::BrokenOff(200, cut),
            _ => OK,
        })
        .await;
        assert!(accepted(&outcomes(&server.engine(), &["k"]).await["k"]));
        assert_eq!(server.seen().len(), 2, "{cut:?}: to send twice is harmless");
    }
    let server = Server::start(|_, _| Reply::BrokenOff(403, "{")).await;
    assert_eq!(failure(&server.engine()).await.class, FailureClass::Auth, "the head of a refusal is enough");
}

#[tokio::test]
async fn engines_of_one_access_key_share_its_breaker() {
    let server = Server::start(|_, _| Reply::Status(401, "verify aksk signature fail")).await;
    let breakers = Breakers::new(noon);
    let (one, other) = (server.engine_with(&breakers, noon), server.engine_with(&breakers, noon));
    let (_, _) = tokio::join!(failure(&one), failure(&other));
    let held_back = failure(&other).await;
    assert_eq!((held_back.class, held_back.attempt), (FailureClass::Auth, Attempt::NotMade));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_request_is_signed_wrongly_once_though_others_are_accepted() {
    let is_refused = |seen: &Seen| seen.keys.iter().any(|key| key == "refused");
    let server =
        Server::start(
            move |_, seen| {
                if is_refused(seen) { Reply::Status(401, "verify aksk signature fail") } else { OK }
            },
        )
        .await;
    let engine = server.engine();
    let (fine, refused) = (["fine"; 40], ["refused"]);
    let others = async {
        for key in fine {
            // Accepted or held back.
            outcomes(&engine, &[key]).await;
        }
    };
    let (outcome, ()) = tokio::join!(outcomes(&engine, &refused), others);
    assert!(!accepted(&outcome["refused"]));
    assert_eq!(server.seen().iter().filter(|seen| is_refused(seen)).count(), 1);
}

#[tokio::test]
async fn keys_that_wait_for_their_turn_are_settled_at_the_deadline() {
    let server = Server::start(|_, _| OK).await;
    let breakers = Breakers::new(noon);
    let engine = server.engine_with(&breakers, noon);
    let _turn = breakers.of_oms(&Credentials::new("AK", "SK")).permit(None).await.unwrap();
    let deadline = Instant::now() + Duration::from_millis(50);
    let outcome = outcomes_until(&engine, &["k"], deadline).await.remove("k");
    let Some(Outcome::Failed(failure)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((failure.class, failure.attempt), (FailureClass::Transient, Attempt::NotMade));
    assert_eq!(server.seen().len(), 0);
}

/// Accepts, but for keys that begin with "bad" and batches with one.
fn forbids_bad_keys(_: usize, seen: &Seen) -> Reply {
    if seen.keys.iter().any(|key| key.starts_with("bad")) {
        Reply::Status(403, r#"{"error_code":"OMS.0206","error_msg":"Insufficient permissions."}"#)
    } else {
        OK
    }
}

#[tokio::test]
async fn keys_that_are_forbidden_are_found_by_halving_and_the_others_arrive() {
    let server = Server::start(forbids_bad_keys).await;
    let keys = ["bad0", "bad1", "bad2", "a", "bad3", "bad4", "bad5", "bad6", "bad7", "bad8"];
    for (key, outcome) in outcomes(&server.engine(), &keys).await {
        match outcome {
            Outcome::Accepted(_) => assert_eq!(key, "a"),
            Outcome::Failed(failure) => {
                assert_eq!((failure.class, failure.error.status), (FailureClass::Auth, Some(403)), "{key}");
            }
        }
    }
}

#[tokio::test]
async fn when_every_key_is_forbidden_one_batch_is_halved_and_no_further_one() {
    let server = Server::start(forbids_bad_keys).await;
    let engine = server.engine();
    let keys: Vec<String> = (0..200).map(|n| format!("bad{n}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    assert!(!outcomes(&engine, &keys).await.values().any(accepted));
    // Twenty batches, and the halves of one down to eight keys.
    assert!((24..=36).contains(&server.seen().len()), "{}", server.seen().len());
    let before = server.seen().len();
    outcomes(&engine, &["bad", "a", "b"]).await;
    assert_eq!(server.seen().len(), before + 1);
    assert!(accepted(&outcomes(&engine, &["a"]).await["a"]));
    assert!(accepted(&outcomes(&engine, &["bad", "a", "b"]).await["b"]), "something was accepted since");
}

#[tokio::test]
async fn a_batch_is_not_halved_for_a_403_before_the_credentials_are_proved() {
    let server = Server::start(|_, seen| match seen.keys.len() {
        1 => OK,
        _ => Reply::Status(403, "<html>blocked</html>"),
    })
    .await;
    let engine = server.engine();
    assert!(!outcomes(&engine, &["a", "b"]).await.values().any(accepted));
    assert_eq!(server.seen().len(), 1);
    assert!(accepted(&outcomes(&engine, &["k"]).await["k"]));
    assert!(outcomes(&engine, &["a", "b"]).await.values().all(accepted));
}

#[tokio::test]
async fn a_corrected_clock_is_noticed() {
    thread_local! {
        static AHEAD: std::cell::Cell<i64> = const { std::cell::Cell::new(0) };
    }
    // A service at noon, whatever our clock says.
    let server = Server::start(|_, seen| {
        if seen.head.contains("x-sdk-date: 20231114t221320z") {
            return OK;
        }
        Reply::WithDate(401, r#"{"error_code":"APIGW.0301","error_msg":"signature expired"}"#, noon())
    })
    .await;
    let engine =
        server.engine_with(&Breakers::new(noon), || noon() + chrono::TimeDelta::seconds(AHEAD.get()));
    for (ahead, requests) in [(3600, 2), (3600, 3), (0, 5), (0, 6), (-1800, 8)] {
        AHEAD.set(ahead);
        assert!(accepted(&outcomes(&engine, &["k"]).await["k"]), "{ahead}");
        assert_eq!(server.seen().len(), requests, "{ahead}");
    }
}
