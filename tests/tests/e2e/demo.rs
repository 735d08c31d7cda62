//! The commands that need no account.

use e2e::OmsBridge;

#[tokio::test]
async fn the_demo_ends_with_every_object_arrived() {
    let finished = OmsBridge::new(["demo", "--json"]).run().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let result = finished.json();
    let count = |name: &str| result[name].as_u64().unwrap();
    assert!(count("objects") >= 20 && count("journaled") > 0, "{result}");
    assert_eq!((count("arrived"), count("resent")), (count("objects"), count("journaled")));
}

#[tokio::test]
async fn the_demo_tells_its_story_on_standard_output() {
    let finished = OmsBridge::new(["demo"]).run().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains("objects arrived"), "{}", finished.stdout);
}
