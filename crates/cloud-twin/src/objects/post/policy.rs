//! The policy of a form: until when it holds, and what it allows.
//!
//! See the appendix of <https://www.alibabacloud.com/help/en/oss/developer-reference/postobject>.

use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::body::MAX_OBJECT;
use crate::error::{ApiError, Outcome};

#[derive(Debug)]
pub(super) struct FormPolicy {
    expiration: DateTime<Utc>,
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct FormPolicyText {
    expiration: Option<String>,
    conditions: Option<Vec<Value>>,
}

/// Fields by name in lower case, without the `$`.
#[derive(Debug)]
enum Condition {
    Equal(String, String),
    StartsWith(String, String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Length(u64, u64),
}

impl FormPolicy {
    pub(super) fn parse(encoded: &str) -> Outcome<Self> {
        let bytes = STANDARD.decode(encoded).map_err(|_| invalid("it is not base64"))?;
        let text = String::from_utf8(bytes).map_err(|_| invalid("it is not UTF-8"))?;
        let document: FormPolicyText =
            serde_json::from_str::<Map<String, Value>>(&without_escaped_dollars(&text))
                .and_then(|object| serde_json::from_value(object.into()))
                .map_err(|error| invalid(&format!("it is not the JSON of a policy: {error}")))?;
        let expiration = document.expiration.ok_or_else(|| invalid("it has no expiration"))?;
        let expiration = expiration
            .ends_with('Z')
            .then(|| DateTime::parse_from_rfc3339(&expiration).ok())
            .flatten()
            .ok_or_else(|| invalid("its expiration is no time in ISO 8601 GMT"))?;
        let given = document.conditions.ok_or_else(|| invalid("it has no conditions").ec("0006-00000207"))?;
        let mut conditions = Vec::with_capacity(given.len());
        for condition in given {
            Condition::parse(condition, &mut conditions)?;
        }
        Ok(Self { expiration: expiration.to_utc(), conditions })
    }

    /// Whether some condition is about this field.
    pub(super) fn mentions(&self, field: &str) -> bool {
        self.conditions.iter().any(|condition| condition.field() == Some(field))
    }

    /// How many bytes the file may have.
    pub(super) fn length(&self) -> RangeInclusive<u64> {
        let lengths = self.conditions.iter().filter_map(|condition| match condition {
            Condition::Length(least, most) => Some((*least, *most)),
            _ => None,
        });
        let (least, most) =
            lengths.fold((0, MAX_OBJECT), |(low, high), (least, most)| (low.max(least), high.min(most)));
        least..=most
    }

    /// Checks all but the length. A field that is not there has the empty value.
    pub(super) fn check(&self, now: DateTime<Utc>, value_of: impl Fn(&str) -> String) -> Outcome<()> {
        if now > self.expiration {
            return Err(denied("Policy expired."));
        }
        match self.conditions.iter().find(|condition| !condition.holds(&value_of)) {
            Some(failed) => {
                Err(denied(&format!("Policy Condition failed: {}", failed.shown())).ec("0006-00000227"))
            }
            None => Ok(()),
        }
    }
}

impl Condition {
    fn parse(condition: Value, parsed: &mut Vec<Self>) -> Outcome<()> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match condition {
            Value::Object(pairs) if !pairs.is_empty() => {
                for (field, value) in pairs {
                    let value = text(&value).ok_or_else(|| wrong_type(&field))?;
                    parsed.push(Self::Equal(field.to_ascii_lowercase(), value));
                }
                Ok(())
            }
            Value::Array(items) => {
                let [Value::String(operator), second, third] = items.as_slice() else {
                    return Err(invalid("a condition is not made of an operator and two values"));
                };
                parsed.push(Self::of_operator(operator, second, third)?);
                Ok(())
            }
            _ => Err(invalid("a condition is neither an object nor a list").ec("0006-00000222")),
        }
    }

    fn of_operator(operator: &str, second: &Value, third: &Value) -> Outcome<Self> {
        let field = || {
            let name =
                second.as_str().and_then(|name| name.strip_prefix('$')).filter(|name| !name.is_empty());
            name.map(str::to_ascii_lowercase).ok_or_else(|| invalid("a condition names no field with a $"))
        };
        let text = || third.as_str().map(str::to_owned).ok_or_else(|| wrong_type(operator));
        let list = || {
            let items =
                third.as_array().map(|items| items.iter().map(|item| item.as_str().map(str::to_owned)));
            items.and_then(Iterator::collect).ok_or_else(|| wrong_type(operator))
        };
        match operator.to_ascii_lowercase().as_str() {
            "eq" => Ok(Self::Equal(field()?, text()?)),
            "starts-with" => Ok(Self::StartsWith(field()?, text()?)),
            "in" => Ok(Self::In(field()?, list()?)),
            "not-in" => Ok(Self::NotIn(field()?, list()?)),
            "content-length-range" => {
                let limits = second.as_u64().zip(third.as_u64()).filter(|(least, most)| least <= most);
                limits.map(|(least, most)| Self::Length(least, most)).ok_or_else(|| wrong_type(operator))
            }
            _ => Err(invalid(&format!("the operator {operator} is not known"))),
        }
    }

    fn field(&self) -> Option<&str> {
        match self {
            Self::Equal(field, _)
            | Self::StartsWith(field, _)
            | Self::In(field, _)
            | Self::NotIn(field, _) => Some(field),
            Self::Length(..) => None,
        }
    }

    fn holds(&self, value_of: impl Fn(&str) -> String) -> bool {
        match self {
            Self::Equal(field, value) => value_of(field) == *value,
            Self::StartsWith(field, start) => value_of(field).starts_with(start),
            Self::In(field, values) => values.contains(&value_of(field)),
            Self::NotIn(field, values) => !values.contains(&value_of(field)),
            Self::Length(..) => true,
        }
    }

    /// As OSS names a condition that failed.
    fn shown(&self) -> String {
        let text =
            |operator: &str, field: &str, value: Value| format!("[\"{operator}\", \"${field}\", {value}]");
        match self {
            Self::Equal(field, value) => text("eq", field, value.as_str().into()),
            Self::StartsWith(field, start) => text("starts-with", field, start.as_str().into()),
            Self::In(field, values) => text("in", field, values.as_slice().into()),
            Self::NotIn(field, values) => text("not-in", field, values.as_slice().into()),
            Self::Length(least, most) => format!("[\"content-length-range\", {least}, {most}]"),
        }
    }
}

/// OSS wants `\$` for a dollar sign in a value, an escape that JSON does not have.
fn without_escaped_dollars(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some('$') => out.push('$'),
            Some(escaped) => out.extend(['\\', escaped]),
            None => out.push('\\'),
        }
    }
    out
}

fn invalid(what: &str) -> ApiError {
    ApiError::bad_request("InvalidPolicyDocument", format!("Invalid Policy: {what}."))
}

fn wrong_type(operator: &str) -> ApiError {
    invalid(&format!("a value of {operator} has the wrong type")).ec("0006-00000224")
}

pub(super) fn denied(what: &str) -> ApiError {
    ApiError::forbidden("AccessDenied", format!("Invalid according to Policy: {what}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EXPIRATION: &str = "2026-01-01T00:00:00.000Z";

    fn parse(text: &str) -> Outcome<FormPolicy> {
        FormPolicy::parse(&STANDARD.encode(text))
    }

    fn policy(conditions: &Value) -> Outcome<FormPolicy> {
        parse(&json!({"expiration": EXPIRATION, "conditions": conditions}).to_string())
    }

    fn check(conditions: &Value) -> Outcome<()> {
        let now = DateTime::parse_from_rfc3339("2025-12-31T23:59:59Z").unwrap().to_utc();
        let value_of = |field: &str| match field {
            "key" => "user/a.jpg".to_owned(),
            "content-type" => "image/jpg".to_owned(),
            _ => String::new(),
        };
        policy(conditions).unwrap().check(now, value_of)
    }

    #[test]
    fn every_operator_allows_and_refuses() {
        for (allowed, refused) in [
            (json!({"key": "user/a.jpg"}), json!({"key": "user/b.jpg"})),
            (json!(["eq", "$Key", "user/a.jpg"]), json!(["eq", "$key", "user/"])),
            (json!(["starts-with", "$key", "user/"]), json!(["starts-with", "$key", "other/"])),
            (json!(["starts-with", "$absent", ""]), json!(["eq", "$absent", "x"])),
            (json!(["in", "$content-type", ["image/jpg", "x"]]), json!(["in", "$content-type", ["x"]])),
            (json!(["not-in", "$content-type", ["x"]]), json!(["not-in", "$content-type", ["image/jpg"]])),
        ] {
            assert!(check(&json!([allowed])).is_ok(), "{allowed}");
            assert_eq!(check(&json!([refused])).unwrap_err().code(), "AccessDenied", "{refused}");
        }
    }

    #[test]
    fn a_policy_expires() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        let policy = policy(&json!([])).unwrap();
        assert!(policy.check(at(EXPIRATION), |_| String::new()).is_ok());
        assert!(policy.check(at("2026-01-01T00:00:00.001Z"), |_| String::new()).is_err());
    }

    #[test]
    fn lengths_narrow_each_other_down() {
        let both = json!([["content-length-range", 0, 10], ["content-length-range", 5, 20]]);
        assert_eq!(policy(&both).unwrap().length(), 5..=10);
        assert_eq!(policy(&json!([])).unwrap().length(), 0..=MAX_OBJECT);
    }

    #[test]
    fn a_dollar_sign_in_a_value_is_written_with_a_backslash() {
        let text = format!(r#"{{"expiration":"{EXPIRATION}","conditions":[["eq","$key","a\$b\\$\"c"]]}}"#);
        let policy = parse(&text).unwrap();
        assert!(matches!(&policy.conditions[..], [Condition::Equal(_, value)] if value == "a$b\\$\"c"));
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        for conditions in [
            json!([["like", "$key", "x"]]),
            json!([["eq", "key", "x"]]),
            json!([["eq", "$key", 1]]),
            json!([["eq", "$key"]]),
            json!([["in", "$key", "x"]]),
            json!([["not-in", "$key", [1]]]),
            json!([["content-length-range", "1", 2]]),
            json!([["content-length-range", 2, 1]]),
            json!([{"key": 1}]),
            json!([{}]),
            json!([123]),
            json!({}),
        ] {
            assert_eq!(policy(&conditions).unwrap_err().code(), "InvalidPolicyDocument", "{conditions}");
        }
        for text in [
            "",
            "[]",
            r#"["2026-01-01T00:00:00.000Z", []]"#,
            "{",
            r#"{"conditions":[]}"#,
            r#"{"expiration":"2026-01-01T00:00:00.000Z"}"#,
            r#"{"expiration":"2026-01-01T00:00:00+08:00","conditions":[]}"#,
            r#"{"expiration":"tomorrow","conditions":[]}"#,
        ] {
            assert_eq!(parse(text).unwrap_err().code(), "InvalidPolicyDocument", "{text}");
        }
        assert_eq!(FormPolicy::parse("%").unwrap_err().code(), "InvalidPolicyDocument");
        assert_eq!(FormPolicy::parse("/w==").unwrap_err().code(), "InvalidPolicyDocument");
    }
}
