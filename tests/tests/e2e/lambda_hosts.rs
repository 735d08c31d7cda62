//! Where the runtime API is not what Lambda's is: emulators, and none at all.

use std::time::Duration;

use e2e::{Cloud, Lambda, LambdaAnswer, event};
use serde_json::Value;

use crate::lifecycle::Nowhere;

#[tokio::test]
async fn a_deadline_that_is_over_on_arrival_gives_way_to_the_timeout_and_that_is_said_once() {
    let cloud = Cloud::start().await;
    let lambda = Lambda::on(&cloud).await;
    for key in ["a", "b"] {
        // The emulator of cargo-lambda 1.9.2 sends this for every event.
        let answer = lambda.invoke_until(Duration::from_mins(10), event::put([key])).await;
        assert_eq!(answer, LambdaAnswer::Response(Value::Bool(true)), "{}", lambda.log());
        assert_eq!(cloud.twin.accepted_count(key), 1);
    }
    assert_eq!(lambda.log().matches("had passed when it arrived").count(), 1, "{}", lambda.log());
    assert_eq!(lambda.invoke(event::put(["c"])).await, LambdaAnswer::Response(Value::Bool(true)));
}

#[tokio::test]
async fn without_a_runtime_api_it_ends_however_many_events_it_would_take() {
    let cloud = Cloud::start().await;
    let nowhere = Nowhere::new();
    let address = nowhere.url().replace("http://", "");
    for concurrency in ["1", "2", "64"] {
        let settings = cloud.settings().set("AWS_LAMBDA_MAX_CONCURRENCY", concurrency);
        let finished = Lambda::without_api(&address, settings).await;
        assert_eq!(finished.code, Some(1), "{concurrency}: {finished:?}");
        assert!(finished.stderr.contains(r#""level":"ERROR""#), "{concurrency}: {finished:?}");
        assert_eq!(about_the_api(&finished.stderr), 1, "{concurrency}: {}", finished.stderr);
    }
}

/// How many lines say that something cannot be reached.
fn about_the_api(log: &str) -> usize {
    log.lines().filter(|line| line.to_ascii_lowercase().contains("connect") || line.contains("/next")).count()
}

#[tokio::test]
async fn a_runtime_api_that_goes_away_ends_it_too() {
    let cloud = Cloud::start().await;
    for concurrency in ["1", "3"] {
        let settings = cloud.settings().set("AWS_LAMBDA_MAX_CONCURRENCY", concurrency);
        let lambda = Lambda::with(settings).await;
        assert_eq!(lambda.invoke(event::put(["a"])).await, LambdaAnswer::Response(Value::Bool(true)));
        let finished = lambda.lose_api().await;
        assert_eq!(finished.code, Some(1), "{concurrency}: {}", finished.stderr.len());
        let lines = about_the_api(&finished.stderr);
        assert!(lines < 50, "{concurrency}: {lines} lines, {}", finished.stderr.lines().next_back().unwrap());
    }
}

#[tokio::test]
async fn a_runtime_api_that_hangs_up_on_the_silent_is_there() {
    let cloud = Cloud::start().await;
    let settings = cloud.settings().set("AWS_LAMBDA_MAX_CONCURRENCY", "3");
    let lambda = Lambda::of_impatient_api(Duration::from_millis(50), settings).await;
    lambda.hung_up_on(5).await;
    for key in ["a", "b"] {
        assert_eq!(lambda.invoke(event::put([key])).await, LambdaAnswer::Response(Value::Bool(true)));
    }
}
