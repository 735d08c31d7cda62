//! The text of a policy.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike, Timelike, Utc};

use crate::json;

/// Conditions in the order in which they were added.
#[derive(Default)]
pub(super) struct Conditions(String);

impl Conditions {
    /// The form of the vendor's samples for the bucket and the signature.
    pub(super) fn is(&mut self, name: &str, value: &str) {
        self.add(format_args!("{{{}:{}}}", json::string(name), json::string(value)));
    }

    pub(super) fn equals(&mut self, field: &str, value: &str) {
        self.matches("eq", field, value);
    }

    pub(super) fn starts_with(&mut self, field: &str, value: &str) {
        self.matches("starts-with", field, value);
    }

    pub(super) fn one_of(&mut self, field: &str, values: &[String]) {
        let values: Vec<String> = values.iter().map(|value| json::string(value)).collect();
        self.add(format_args!("[\"in\",{},[{}]]", variable(field), values.join(",")));
    }

    pub(super) fn size(&mut self, min: u64, max: u64) {
        self.add(format_args!("[\"content-length-range\",{min},{max}]"));
    }

    fn matches(&mut self, operator: &str, field: &str, value: &str) {
        // A dollar sign at the beginning would make the value the name of a field.
        let escape = if value.starts_with('$') { "\\" } else { "" };
        let value = json::string(&[escape, value].concat());
        self.add(format_args!("[\"{operator}\",{},{value}]", variable(field)));
    }

    fn add(&mut self, condition: std::fmt::Arguments<'_>) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        // Writing to a string cannot fail.
        let _ = self.0.write_fmt(condition);
    }

    pub(super) fn into_policy(self, expires_at: DateTime<Utc>) -> String {
        format!("{{\"expiration\":\"{}\",\"conditions\":[{}]}}", iso(expires_at), self.0)
    }
}

/// Names of fields are the same in any case; the vendor writes them in lower case here.
fn variable(field: &str) -> String {
    json::string(&format!("${}", field.to_ascii_lowercase()))
}

fn iso(time: DateTime<Utc>) -> String {
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.000Z",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}
