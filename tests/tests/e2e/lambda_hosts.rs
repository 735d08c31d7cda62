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
    assert_eq!(lambda.log().matches("was over when it came").count(), 1, "{}", lambda.log());
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
        assert!(finished.stderr.contains("error: "), "{concurrency}: {finished:?}");
        assert!(finished.stderr.lines().count() < 1000, "{concurrency}: {}", finished.stderr.lines().count());
    }
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
    }
}
