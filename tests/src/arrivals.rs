//! Arrival markers in the log bucket, by the published form of their names: written and read here by itself,
//! so that the product cannot be wrong unnoticed.

use sha2::{Digest as _, Sha256};

use crate::cloud::LOGS;
use crate::records::{Records, Shelf};

/// Bytes behind the key: `!am00-`, 16 hexadecimal digits, `-`, 10 digits, `-`, 10 digits, `-`, 8 hexadecimal
/// ones.
const SUFFIX: usize = 53;

/// What a marker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The key.
    pub key: String,
    /// Its stage, by what, and how often it was sent again: `am00`.
    pub stage: String,
    /// Milliseconds from the event to the acceptance.
    pub wait_ms: Option<u64>,
    /// Milliseconds from the acceptance to the arrival.
    pub lag_ms: Option<u64>,
    /// Whether it is about the success record that the key has now.
    pub current: bool,
}

impl Records<'_> {
    /// What is said of accepted keys, in the order of names.
    pub fn arrivals(self) -> Vec<Arrival> {
        let folder = self.arrival_folder();
        let names = self.twin.oss().keys(LOGS);
        let ends = names.iter().filter_map(|name| name.strip_prefix(&folder).map(|end| (name, end)));
        ends.map(|(name, end)| {
            let (key, suffix) = end.split_at(end.len() - SUFFIX);
            assert_eq!(&name[name.len() - 8..], &check(&name[..name.len() - 8])[..], "{name}");
            let parts: Vec<&str> = suffix[1..].split('-').collect();
            let millis = |text: &str| text.parse().ok().filter(|millis| *millis != 9_999_999_999_u64);
            let key = unescaped(key);
            let current = self.record_id(&key).is_some_and(|id| id == parts[1]);
            let (wait_ms, lag_ms) = (millis(parts[2]), millis(parts[3]));
            Arrival { key, stage: parts[0].to_owned(), wait_ms, lag_ms, current }
        })
        .collect()
    }

    /// The stages of a key's markers about its success record, in the order of names.
    pub fn stages(self, key: &str) -> Vec<String> {
        let own = self.arrivals().into_iter().filter(|arrival| arrival.key == key && arrival.current);
        own.map(|arrival| arrival.stage).collect()
    }

    /// Puts a marker there about the success record that the key has now.
    pub fn put_arrival(self, key: &str, stage: &str, wait_ms: u64, lag_ms: u64) {
        let record = self.record_id(key).expect("the key was accepted");
        let start = format!("{}{}", self.arrival_folder(), escaped(key));
        let name = format!("{start}!{stage}-{record}-{wait_ms:010}-{lag_ms:010}-");
        let check = check(&name);
        self.twin.oss().put(LOGS, &format!("{name}{check}"), "");
    }

    fn arrival_folder(self) -> String {
        self.name(Shelf::Success, "").replace("success_object/", "arrival_object/")
    }

    fn record_id(self, key: &str) -> Option<String> {
        let record = self.twin.oss().get(LOGS, &self.name(Shelf::Success, key))?;
        let digest = Sha256::digest(format!("{}\0{}", record.etag, record.last_modified.timestamp()));
        Some(hex::encode(&digest[..8]))
    }
}

fn check(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..4])
}

fn escaped(key: &str) -> String {
    let escape = |c: char| match u8::try_from(c) {
        Ok(byte) if byte <= b'"' => format!("\"{}", char::from(byte + 64)),
        _ => c.to_string(),
    };
    key.chars().map(escape).collect()
}

fn unescaped(text: &str) -> String {
    let mut chars = text.chars();
    let mut key = String::new();
    while let Some(c) = chars.next() {
        key.push(if c == '"' {
            char::from(chars.next().expect("an escaped character") as u8 - 64)
        } else {
            c
        });
    }
    key
}
