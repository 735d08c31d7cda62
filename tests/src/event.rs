//! Bodies of object events, in the native form.

use serde_json::{Value, json};

use crate::cloud::SOURCE;

/// `ObjectCreated:PutObject` of each key in the source bucket.
pub fn put<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> String {
    of(keys.into_iter().map(|key| element(SOURCE, "ObjectCreated:PutObject", &key.into())))
}

/// An event of the given elements.
pub fn of(elements: impl IntoIterator<Item = Value>) -> String {
    json!({"events": elements.into_iter().collect::<Vec<_>>()}).to_string()
}

/// One element.
pub fn element(bucket: &str, name: &str, key: &str) -> Value {
    json!({
        "eventName": name,
        "eventSource": "acs:oss",
        "eventTime": "2024-05-01T10:00:00.000Z",
        "eventVersion": "1.0",
        "oss": {
            "bucket": {"name": bucket, "arn": format!("acs:oss:cn-hangzhou:1000000000000001:{bucket}")},
            "object": {"key": key, "size": 3, "deltaSize": 3, "eTag": "900150983CD24FB0D6963F7D28E17F72"},
            "ossSchemaVersion": "1.0",
        },
        "region": "cn-hangzhou",
    })
}

/// The keys `prefix-0`, `prefix-1`, …
pub fn keys(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number}")).collect()
}
