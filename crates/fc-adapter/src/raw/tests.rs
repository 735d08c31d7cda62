use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

fn parse<T: DeserializeOwned>(body: &str) -> Result<T, Error> {
    from_body(&Bytes::copy_from_slice(body.as_bytes()))
}

#[test]
fn a_raw_event_is_the_body_itself_and_no_copy_of_it() {
    for bytes in [&b"\x00\xff not json {"[..], b"", b" {} \n"] {
        let body = Bytes::copy_from_slice(bytes);
        let event: RawEvent = from_body(&body).unwrap();
        assert_eq!(event.0, bytes);
        assert!(std::ptr::eq(event.as_ref(), &raw const *body), "copied");
    }
}

#[test]
fn a_type_that_is_transparent_over_it_is_raw_as_well() {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Mine(RawEvent);
    assert_eq!(parse::<Mine>("not json").unwrap().0.0, "not json");
}

#[test]
fn under_plain_serde_json_it_is_the_text_of_the_value() {
    let event: RawEvent = serde_json::from_str(" {\"a\" : 1.50} ").unwrap();
    assert_eq!(event.0, "{\"a\" : 1.50}");
    assert!(serde_json::from_str::<RawEvent>("not json").is_err());
}

#[test]
fn under_the_deserializer_of_lambda_runtime_it_is_the_text_of_the_value() {
    let json = &mut serde_json::Deserializer::from_slice(b"{\"a\":[1, 2]}");
    assert_eq!(serde_path_to_error::deserialize::<_, RawEvent>(json).unwrap().0, "{\"a\":[1, 2]}");
}

#[test]
fn as_a_field_it_is_the_text_of_the_field() {
    #[derive(Deserialize)]
    struct Envelope {
        kind: String,
        body: RawEvent,
    }
    let envelope: Envelope = parse(r#"{"kind":"put","body":{"n": 1e3}}"#).unwrap();
    assert_eq!((envelope.kind.as_str(), &envelope.body.0[..]), ("put", &br#"{"n": 1e3}"#[..]));
}

#[test]
fn every_other_type_is_parsed_as_by_serde_json() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Unit;
    #[derive(Debug, PartialEq, Deserialize)]
    struct Newtype(u8);
    #[derive(Debug, PartialEq, Deserialize)]
    struct Pair(i64, char);
    #[derive(Debug, PartialEq, Deserialize)]
    enum Choice {
        A { x: f64 },
        B,
    }

    fn same<T: DeserializeOwned + PartialEq + fmt::Debug>(text: &str) {
        let expected = serde_json::from_str::<T>(text).map_err(|error| error.to_string());
        assert_eq!(parse::<T>(text).map_err(|error| error.to_string()), expected, "{text}");
    }

    same::<Value>(r#"{"a":[null,true,1,-1,1.5,"x"]}"#);
    same::<BTreeMap<String, u16>>(r#"{"b":65535}"#);
    same::<(bool, i8, i16, i32, u32, u64)>("[true,-128,-32768,7,8,9]");
    same::<(i128, u128, f32)>(
        "[-170141183460469231731687303715884105728,340282366920938463463374607431768211455,0.5]",
    );
    same::<i128>("-170141183460469231731687303715884105728");
    same::<u128>("340282366920938463463374607431768211455");
    same::<Option<String>>("null");
    same::<Option<String>>(r#""x""#);
    same::<String>(r#""é""#);
    same::<char>(r#""é""#);
    same::<()>("null");
    same::<Unit>("null");
    same::<Newtype>("7");
    same::<Newtype>("256");
    same::<Pair>(r#"[1,"c"]"#);
    same::<Choice>(r#"{"A":{"x":2}}"#);
    same::<Choice>(r#""B""#);
    same::<Choice>(r#""C""#);
    same::<Vec<u8>>("[1,2");
    same::<Value>("");
    same::<Value>("{} {}");
}

#[test]
fn debug_keeps_the_event_out_of_logs() {
    assert_eq!(format!("{:?}", RawEvent("private".into())), "RawEvent(7 bytes)");
}

#[test]
fn text_after_the_value_is_refused() {
    let error = parse::<Value>(r#"{"a":1} {"a":2}"#).unwrap_err();
    assert_eq!(error.to_string(), "trailing characters at line 1 column 9");
    assert_eq!(parse::<Value>("{} \r\n\t").unwrap(), json!({}));
}
