use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;

use super::*;

mod aws;
mod batches;
mod cos;

const NATIVE: &str = r#"{"events":[{"eventName":"ObjectCreated:PutObject","eventSource":"acs:oss","eventTime":"2022-06-10T06:21:35.000Z","eventVersion":"1.0","oss":{"bucket":{"name":"testbucket"},"object":{"eTag":"7D73E1052AF595535DE90994F4C3E6D5","key":"image/a.jpg","size":1}},"region":"cn-hangzhou"}]}"#;
const ELEMENT: &str = r#"{"eventName":"ObjectCreated:PutObject","eventSource":"acs:oss","eventTime":"2022-06-10T06:21:35.000Z","oss":{"bucket":{"name":"testbucket"},"object":{"eTag":"7D73E1052AF595535DE90994F4C3E6D5","key":"image/a.jpg","size":1}},"region":"cn-hangzhou"}"#;

fn expected() -> ObjectChange {
    ObjectChange {
        provider: crate::change::Provider::Configured,
        bucket: Some("testbucket".into()),
        key: "image/a.jpg".into(),
        event: crate::change::EventName::new("ObjectCreated:PutObject".into()),
        event_time: Some("2022-06-10T06:21:35.000Z".into()),
        etag: Some("7D73E1052AF595535DE90994F4C3E6D5".into()),
        size: Some(1),
        version_id: None,
        sequencer: None,
        url: None,
    }
}

fn raw(body: &str) -> Result<Vec<ObjectChange>, EventError> {
    changes(parse(body.as_bytes(), KeyEncoding::Raw))
}

fn changes(event: Result<Event, EventError>) -> Result<Vec<ObjectChange>, EventError> {
    event.map(|event| match event {
        Event::Changes(changes) => changes,
        other => panic!("{other:?}"),
    })
}

fn message(body: &str) -> String {
    raw(body).unwrap_err().to_string()
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn with_key(key: &str) -> String {
    format!(
        r#"{{"events":[{{"eventName":"ObjectCreated:PutObject","oss":{{"object":{{"key":{}}}}}}}]}}"#,
        quoted(key)
    )
}

#[test]
fn every_documented_form_gives_the_same_change() {
    let base64 = BASE64_STANDARD.encode(NATIVE);
    let cloud_event = format!(
        r#"{{"specversion":"1.0","source":"acs.oss","type":"oss:ObjectCreated:PutObject","data":{ELEMENT}}}"#
    );
    let queue = |body: &str| {
        format!(
            r#"{{"type":"mns:Queue:SendMessage","data":{{"requestId":"6","messageBody":{}}}}}"#,
            quoted(body)
        )
    };
    for (form, body) in [
        ("native", NATIVE.to_owned()),
        ("CloudEvent", cloud_event.clone()),
        ("array of CloudEvents", format!("[{cloud_event}]")),
        ("bare element", ELEMENT.to_owned()),
        (
            "topic JSON",
            format!(r#"{{"TopicOwner":"1","Message":{},"PublishTime":1550216480040}}"#, quoted(NATIVE)),
        ),
        ("topic JSON of base64", format!(r#"{{"Message":"{base64}"}}"#)),
        ("topic STREAM", base64.clone()),
        ("topic STREAM in lines", format!("{}\r\n{}\n", &base64[..76], &base64[76..])),
        ("topic STREAM with attributes", format!(r#"{{"body":"{base64}","attrs":{{"Extend":"{{}}"}}}}"#)),
        ("queue", queue(NATIVE)),
        ("queue of base64", queue(&base64)),
        ("queue with its body decoded", format!(r#"{{"data":{{"messageBody":{NATIVE}}}}}"#)),
        ("queue with its body decoded to an array", format!(r#"{{"data":{{"messageBody":[{NATIVE}]}}}}"#)),
        ("queue message with its body decoded", format!(r#"{{"requestId":"6","messageBody":{NATIVE}}}"#)),
        ("topic JSON with its message decoded", format!(r#"{{"TopicOwner":"1","Message":{NATIVE}}}"#)),
        ("array of queue messages", format!("[{}]", queue(&base64))),
        ("bare queue message", format!(r#"{{"requestId":"6","messageBody":{}}}"#, quoted(&base64))),
        ("array of bare elements", format!("[{ELEMENT}]")),
        ("CloudEvent with its data as text", format!(r#"{{"source":"acs.oss","data":{}}}"#, quoted(ELEMENT))),
        ("byte order mark and blanks", format!("\u{feff} \n{NATIVE}\n")),
    ] {
        assert_eq!(raw(&body), Ok(vec![expected()]), "{form}");
    }
}

#[test]
fn every_element_of_an_array_is_taken() {
    let events: Vec<String> =
        (0..95).map(|n| format!(r#"{{"oss":{{"object":{{"key":"k{n}"}}}}}}"#)).collect();
    let changes = raw(&format!(r#"{{"events":[{}]}}"#, events.join(","))).unwrap();
    assert_eq!(changes.len(), 95);
    assert_eq!(changes[94].key, "k94");
    assert_eq!(raw(r#"{"events":[]}"#), Ok(vec![]));
}

#[test]
fn leaves_may_be_missing_null_or_of_another_type() {
    let body = r#"{"events":[{"eventName":null,"eventTime":null,"unknown":{"deep":[1]},"oss":{"bucket":null,"object":{"key":"k","size":"","deltaSize":-5,"eTag":null}}},
        {"oss":{"bucket":{"name":"b","ownerIdentity":{"x":1}},"object":{"key":"l","size":"7"},"region":"cn","requestParameters":{}}},
        {"oss":{"object":{"key":"m","size":{"a":[1]}}}},{"oss":{"object":{"key":"n","size":-1}}}]}"#;
    let changes = raw(body).unwrap();
    assert_eq!(changes.iter().map(|c| c.key.as_str()).collect::<Vec<_>>(), ["k", "l", "m", "n"]);
    assert_eq!(changes.iter().map(|c| c.size).collect::<Vec<_>>(), [None, Some(7), None, None]);
    assert_eq!(changes[0].event.as_str(), "");
}

#[test]
fn errors_name_what_is_wrong_and_where() {
    for (body, wanted) in [
        ("", "the body is empty"),
        ("   ", "the body is empty"),
        ("{}", "no known event form: an object with no members"),
        (r#"{"records":[],"x":1}"#, "no known event form: an object with `records`, `x`"),
        (r#"{"data":{"id":1}}"#, "data: no known event form: an object with `id`"),
        (
            r#"{"events":[{"oss":{"object":{"key":"a"}}},{"oss":{"object":{}}}]}"#,
            "events[1].oss.object.key: missing",
        ),
        (r#"{"events":[{"oss":{"object":{"key":""}}}]}"#, "events[0].oss.object.key: empty"),
        (r#"{"events":[{"oss":{}}]}"#, "events[0].oss.object: missing"),
        (r#"{"events":[{}]}"#, "events[0].oss: missing"),
        (
            r#"{"events":[{"oss":{"object":{"key":5}}}]}"#,
            "events[0].oss.object.key: invalid type: integer `5`",
        ),
        (r#"{"events":"x"}"#, "events: invalid type: string"),
        (r#"{"events":[{"oss":{"object":{"key":"a"}}}"#, "EOF while parsing"),
        (r#"[{"data":{"oss":{"object":{"key":null}}}}]"#, "[0].data.oss.object.key: missing"),
        ("[1]", "[0]: invalid type: integer `1`"),
        (r#"{"Message":7}"#, "Message: invalid type: integer `7`"),
        (r#"{"data":{"messageBody":7}}"#, "data.messageBody: invalid type: integer `7`"),
        (
            r#"{"data":{"messageBody":{"id":1}}}"#,
            "data.messageBody: no known event form: an object with `id`",
        ),
        (r#"{"Message":"hello topic"}"#, "Message: the body is neither JSON nor base64"),
        ("hello", "neither JSON nor base64"),
        ("AAAA", "no"),
        ("/////w==", "base64 of UTF-8 text"),
    ] {
        let message = message(body);
        assert!(message.starts_with("malformed event: ") && message.contains(wanted), "{body}: {message}");
    }
    let error = parse(b"{\"events\":[\xff]}", KeyEncoding::Raw).unwrap_err();
    assert!(error.to_string().contains("not UTF-8: bad byte at offset 11"), "{error}");
}

#[test]
fn nesting_without_end_is_refused() {
    let mut body = NATIVE.to_owned();
    for _ in 0..8 {
        body = BASE64_STANDARD.encode(body);
    }
    assert!(message(&body).contains("envelopes"));
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(message(&deep).starts_with("malformed event"));
    let ignored = format!(r#"{{"events":[],"x":{deep}}}"#);
    assert!(raw(&ignored).is_ok() || message(&ignored).contains("recursion"));
}

#[test]
fn a_timer_asks_for_a_task() {
    let timer = |payload: &str| {
        let body = format!(
            r#"{{"triggerTime":"2026-01-05T10:00:00Z","triggerName":"replay","payload":{}}}"#,
            quoted(payload)
        );
        parse(body.as_bytes(), KeyEncoding::Raw).map_err(|error| error.to_string())
    };
    assert_eq!(timer(r#"{"action":"replay","later":1}"#), Ok(Event::Timer(Task::Replay)));
    assert_eq!(timer(r#"{"action":"confirm"}"#), Ok(Event::Timer(Task::Confirm { max_rps: None })));
    assert_eq!(
        timer(r#"{"action":"confirm","max_rps":0.5}"#),
        Ok(Event::Timer(Task::Confirm { max_rps: Some(0.5) }))
    );
    let keys = TriggerKeys::default();
    assert_eq!(timer(r#"{"action":"reconcile"}"#), Ok(Event::Timer(Task::Reconcile { max_rps: None, keys })));
    let keys = TriggerKeys { prefix: "photos/".to_owned(), suffix: ".jpg".to_owned() };
    assert_eq!(
        timer(r#"{"action":"reconcile","max_rps":20,"prefix":"photos/","suffix":".jpg"}"#),
        Ok(Event::Timer(Task::Reconcile { max_rps: Some(20.0), keys }))
    );
    for (payload, wanted) in [
        (r#"{"action":"sing"}"#, "payload.action: \"sing\" is not an action"),
        (r#"{"action":"confirm","max_rps":0}"#, "payload.max_rps: 0 is not a number of requests per second"),
        (r#"{"action":"reconcile","max_rps":"5"}"#, "payload"),
        ("{}", "payload.action: missing"),
        ("awesome-fc", "payload: expected value"),
    ] {
        let error = timer(payload).unwrap_err();
        assert!(error.contains(wanted), "{payload}: {error}");
    }
    assert!(message(r#"{"triggerName":"t"}"#).contains("payload: missing"));
    let mixed = format!(r#"[{ELEMENT},{{"triggerName":"t","payload":"{{\"action\":\"replay\"}}"}}]"#);
    assert!(message(&mixed).contains("a timer event among object events"));
}

#[test]
fn keys_are_not_decoded_unless_told_so() {
    for key in ["100%25.txt", "a+b", "测试 a+b%20c#?.txt", "a//b", "/lead", "tail/", "../x", "\u{1}"] {
        assert_eq!(raw(&with_key(key)).unwrap()[0].key, key);
    }
    let percent = |key: &str| {
        changes(parse(with_key(key).as_bytes(), KeyEncoding::Percent)).map(|mut c| c.remove(0).key)
    };
    assert_eq!(percent("a%2Fb%20c+d%E6%B5%8B"), Ok("a/b c+d测".to_owned()));
    assert_eq!(percent("100%"), Ok("100%".to_owned()));
    assert!(percent("%FF").unwrap_err().to_string().contains("oss.object.key: not UTF-8"));
}

proptest! {
    #[test]
    fn any_key_comes_through_unchanged(key in "\\PC{1,40}|[\\x01-\\x7f]{1,40}") {
        prop_assert_eq!(&raw(&with_key(&key)).unwrap()[0].key, &key);
        let wrapped = BASE64_STANDARD.encode(with_key(&key));
        prop_assert_eq!(&raw(&wrapped).unwrap()[0].key, &key);
    }

    #[test]
    fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&body, KeyEncoding::Percent);
    }

    #[test]
    fn a_truncated_event_is_an_error(cut in 1..NATIVE.len() - 1) {
        prop_assert!(raw(&NATIVE[..cut]).is_err());
    }
}
