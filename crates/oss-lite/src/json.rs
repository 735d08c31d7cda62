//! JSON that must come out byte for byte.

/// The text as a JSON string, quotes included.
pub(crate) fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
