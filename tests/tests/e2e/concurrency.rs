//! Many invocations on one instance.

use std::time::Duration;

use cloud_twin::{Fault, FaultAction, Service};
use e2e::{Answer, Cloud, Function, Shelf, event};
use futures_util::future::join_all;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_invocations_are_each_answered_after_their_own_keys_are_settled() {
    let cloud = Cloud::start().await;
    // Work begins only after the delay, so an answer that did not wait for it comes too early.
    let slow = FaultAction::delay(Duration::from_millis(150));
    cloud.twin.faults().inject(Fault::new(Service::Oms, slow).times(30));
    let function = Function::on(&cloud).start().await;
    let invocations = (0..500).map(|number| {
        let (cloud, function) = (&cloud, &function);
        async move {
            let keys = [format!("k-{number}-a"), format!("k-{number}-b")];
            assert_eq!(function.invoke(event::put(&keys)).await, Answer::True);
            for key in keys {
                assert_eq!(cloud.twin.accepted_count(&key), 1, "{key} when it was answered");
                assert!(cloud.record(Shelf::Success, &key).is_some(), "{key} when it was answered");
            }
        }
    });
    join_all(invocations).await;
    let accepted = cloud.twin.accepted();
    assert!(accepted.len() == 1000 && accepted.values().all(|&count| count == 1));
    assert!(
        cloud.oms_requests() < 500,
        "invocations that arrive together share requests: {}",
        cloud.oms_requests()
    );
    assert_eq!(cloud.twin.stats().bad_signatures[&Service::Oms], 0);
}

#[tokio::test]
async fn a_key_of_several_invocations_is_accepted_once_for_each() {
    let cloud = Cloud::start().await;
    let slow = FaultAction::delay(Duration::from_millis(100));
    cloud.twin.faults().inject(Fault::new(Service::Oms, slow));
    let function = Function::on(&cloud).start().await;
    let answers = join_all((0..20).map(|_| function.invoke(event::put(["same", "other"])))).await;
    assert!(answers.iter().all(|answer| *answer == Answer::True));
    assert_eq!((cloud.twin.accepted_count("same"), cloud.twin.accepted_count("other")), (20, 20));
    for batch in cloud.twin.oms_batches() {
        let mut keys = batch.keys.clone();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), batch.keys.len(), "a key stands once in a request: {:?}", batch.keys);
    }
}

#[tokio::test]
async fn one_invocation_that_fails_leaves_those_it_shares_requests_with_alone() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::poison_key("poison"));
    let function = Function::on(&cloud).start().await;
    let invocations = (0..50).map(|number| {
        let key = if number % 10 == 3 { format!("poison-{number}") } else { format!("k-{number}") };
        let function = &function;
        async move { (key.starts_with("poison"), function.invoke(event::put([key])).await) }
    });
    for (poisoned, answer) in join_all(invocations).await {
        assert_eq!(answer, if poisoned { Answer::False } else { Answer::True });
    }
    assert_eq!((cloud.recorded(Shelf::Failed).len(), cloud.recorded(Shelf::Success).len()), (5, 45));
}
