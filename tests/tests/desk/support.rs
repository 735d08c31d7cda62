//! What the tests share: forms to tamper with, callbacks to make up, twins with a clock of their own.

use chrono::Utc;
use cloud_twin::{ManualClock, Twin};
use e2e::cloud::SOURCE;
use e2e::desk::{Answered, User};
use e2e::{Cloud, Desk};
use serde_json::{Value, json};

/// A cloud whose time a test moves.
pub(crate) async fn cloud_with_clock() -> (Cloud, ManualClock) {
    let clock = ManualClock::new(Utc::now());
    (Cloud::with(Twin::builder().clock(clock.clone())).await, clock)
}

/// What the desk answers to who asks for an upload of `content` without telling its MD5.
pub(crate) async fn allow_unknown(desk: &Desk, user: User, name: &str, content: &[u8]) -> Answered {
    let allowed =
        desk.post(user, "/uploads", json!({"name": name, "type": "text/plain", "size": content.len()})).await;
    assert_eq!(allowed.status, 201, "{allowed:?}");
    allowed
}

/// The key in an answer.
pub(crate) fn key(answered: &Answered) -> String {
    let place = if answered.body["key"].is_string() { &answered.body } else { &answered.body["object"] };
    place["key"].as_str().unwrap_or_else(|| panic!("no key: {answered:?}")).to_owned()
}

/// The value of a form's field.
pub(crate) fn field(form: &Value, name: &str) -> String {
    let fields = form["fields"].as_array().unwrap();
    let found = fields.iter().find(|field| field[0] == name);
    found.unwrap_or_else(|| panic!("no field {name}: {form}"))[1].as_str().unwrap().to_owned()
}

/// The form with a field set to something else.
pub(crate) fn with(form: &Value, name: &str, value: &str) -> Value {
    let mut form = form.clone();
    let fields = form["fields"].as_array_mut().unwrap();
    match fields.iter_mut().find(|field| field[0] == name) {
        Some(field) => field[1] = json!(value),
        None => fields.push(json!([name, value])),
    }
    form
}

/// The form without a field.
pub(crate) fn without(form: &Value, name: &str) -> Value {
    let mut form = form.clone();
    let fields = form["fields"].as_array_mut().unwrap();
    let before = fields.len();
    fields.retain(|field| field[0] != name);
    assert_eq!(fields.len(), before - 1, "there was a field {name}");
    form
}

/// The body of a callback for an upload that was allowed, as OSS makes it.
pub(crate) fn told(allowed: &Answered, etag: &str, size: usize) -> Value {
    json!({
        "upload": allowed.id(), "bucket": SOURCE, "object": key(allowed), "etag": etag, "size": size,
        "type": "text/plain", "md5": "", "request": "000000000000000000000001",
    })
}

/// The body of the last callback that the twin made or lost.
pub(crate) fn last_callback(cloud: &Cloud) -> String {
    cloud.twin.callbacks().last().expect("a callback").body.clone()
}

/// A number that the desk counts.
pub(crate) async fn metric(desk: &Desk, user: User, name: &str) -> u64 {
    let answered = desk.get(user, "/metrics").await;
    let text = answered.body.as_str().unwrap();
    let name = format!("oms_bridge_desk_{name}_total ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name));
    line.unwrap_or_else(|| panic!("no {name}: {text}")).parse().unwrap()
}
