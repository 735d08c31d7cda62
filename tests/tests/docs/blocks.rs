//! Every block has a language, JSON parses, and a record that is shown has the members of a real one.

use std::path::Path;

use cloud_twin::{Fault, FaultResponse, Service};
use e2e::{Answer, Cloud, Function, Shelf, event};
use serde_json::Value;

use crate::markdown::{documents, read};

/// What an info string may be.
const INFO: [&str; 10] =
    ["sh", "sh no-run", "json", "json output", "text", "text output", "rust", "toml", "yaml", "mermaid"];

#[test]
fn every_block_has_a_language() {
    for document in documents() {
        for block in &document.blocks {
            let info = block.info.join(" ");
            // Examples in the documentation of libraries are tests of their own: `rust,no_run` and the like.
            let known = INFO.contains(&&*info) || info.starts_with("rust,");
            assert!(
                known,
                "{}: a block of code of the language {info:?}; one of {INFO:?} is wanted",
                block.place
            );
        }
    }
}

#[test]
fn json_is_json() {
    for document in documents() {
        for block in document.blocks.iter().filter(|block| block.is_in("json")) {
            let parsed = serde_json::from_str::<Value>(&block.text);
            assert!(parsed.is_ok(), "{}: {}", block.place, parsed.unwrap_err());
        }
    }
}

/// What of `shown` is not in `real`, as a path: members that are missing, values of another kind.
pub(crate) fn difference(shown: &Value, real: &Value) -> Option<String> {
    match (shown, real) {
        (Value::Object(shown), Value::Object(real)) => shown.iter().find_map(|(name, shown)| {
            let Some(real) = real.get(name) else { return Some(format!(".{name}")) };
            difference(shown, real).map(|path| format!(".{name}{path}"))
        }),
        (Value::Array(shown), Value::Array(real)) => {
            let (Some(shown), Some(real)) = (shown.first(), real.first()) else { return None };
            difference(shown, real).map(|path| format!("[0]{path}"))
        }
        _ if std::mem::discriminant(shown) == std::mem::discriminant(real) => None,
        _ => Some(format!(": {shown} is {real}")),
    }
}

#[tokio::test]
async fn the_record_that_is_shown_has_the_members_of_a_real_one() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["photos/a.jpg"])).await, Answer::False);
    let real = cloud.record(Shelf::Failed, "photos/a.jpg").unwrap();
    for page in ["docs/journal.md", "docs/journal.zh-CN.md"] {
        let document = read(Path::new(page));
        let block = document.blocks.iter().find(|block| block.is("json")).expect("a record");
        let shown: Value = serde_json::from_str(&block.text).unwrap();
        assert_eq!(difference(&shown, &real), None, "{}: {real}", block.place);
        // And nothing of it is kept from the reader.
        assert_eq!(difference(&real, &shown), None, "{}: {real}", block.place);
    }
}

#[test]
fn a_member_that_is_not_there_is_a_difference() {
    let shown = serde_json::json!({"a": [{"b": 1}], "c": "x"});
    assert_eq!(difference(&shown, &serde_json::json!({"a": [{"b": 2}], "c": "y", "d": 0})), None);
    assert_eq!(difference(&shown, &serde_json::json!({"a": [{}], "c": "y"})).unwrap(), ".a[0].b");
    assert_eq!(difference(&shown, &serde_json::json!({"a": [{"b": 1}], "c": 1})).unwrap(), ".c: \"x\" is 1");
}
