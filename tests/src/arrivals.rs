//! Arrival markers in the log bucket, by the published form of their names: written and read here by itself,
//! so that the product cannot be wrong unnoticed.

use cloud_twin::StoredObject;
use serde_json::Value;
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
    /// Whether it is about the success record that the key has now, or had when it was confirmed.
    pub current: bool,
}

impl Records<'_> {
    /// What is said of accepted keys, in the order of names: those of confirmed keys come last.
    pub fn arrivals(self) -> Vec<Arrival> {
        let names = self.twin.oss().keys(LOGS);
        let folders = ["arrival_object/", "confirmed_object/"].map(|folder| self.arrival_folder(folder));
        let of = |folder: &String| {
            let ends = names.iter().filter_map(|name| Some((name.as_str(), name.strip_prefix(folder)?)));
            ends.map(|(name, end)| self.arrival(name, end)).collect::<Vec<_>>()
        };
        folders.iter().flat_map(of).collect()
    }

    fn arrival(self, name: &str, end: &str) -> Arrival {
        let (key, suffix) = end.split_at(end.len() - SUFFIX);
        assert_eq!(&name[name.len() - 8..], &check(&name[..name.len() - 8])[..], "{name}");
        let parts: Vec<&str> = suffix[1..].split('-').collect();
        let millis = |text: &str| text.parse().ok().filter(|millis| *millis != 9_999_999_999_u64);
        let key = unescaped(key);
        let record = self.record_id(&key).or_else(|| self.confirmed_id(&key));
        let current = record.is_some_and(|id| id == parts[1]);
        let (wait_ms, lag_ms) = (millis(parts[2]), millis(parts[3]));
        Arrival { key, stage: parts[0].to_owned(), wait_ms, lag_ms, current }
    }

    /// The success record that was moved when the key was confirmed, as it is kept.
    pub fn confirmed(self, key: &str) -> Option<Value> {
        serde_json::from_slice(&self.last_confirmed(key)?.1.body).ok()
    }

    /// Which success record was moved last.
    fn confirmed_id(self, key: &str) -> Option<String> {
        let (name, _) = self.last_confirmed(key)?;
        name[name.len() - SUFFIX..].split('-').nth(1).map(str::to_owned)
    }

    fn last_confirmed(self, key: &str) -> Option<(String, StoredObject)> {
        let start = format!("{}{}!", self.arrival_folder("confirmed_object/"), escaped(key));
        let names = self.twin.oss().keys(LOGS).into_iter().filter(|name| name.starts_with(&start));
        let ended = names.filter(|name| name[start.len()..].starts_with(['a', 'g']));
        let objects = ended.filter_map(|name| Some((name.clone(), self.twin.oss().get(LOGS, &name)?)));
        objects.max_by_key(|(_, object)| object.last_modified)
    }

    /// The stages of a key's markers about its success record, in the order of names.
    pub fn stages(self, key: &str) -> Vec<String> {
        let own = self.arrivals().into_iter().filter(|arrival| arrival.key == key && arrival.current);
        own.map(|arrival| arrival.stage).collect()
    }

    /// Puts a marker there about the success record that the key has now.
    pub fn put_arrival(self, key: &str, stage: &str, wait_ms: u64, lag_ms: u64) {
        let record = self.record_id(key).expect("the key was accepted");
        let start = format!("{}{}", self.arrival_folder("arrival_object/"), escaped(key));
        let name = format!("{start}!{stage}-{record}-{wait_ms:010}-{lag_ms:010}-");
        let check = check(&name);
        self.twin.oss().put(LOGS, &format!("{name}{check}"), "");
    }

    fn arrival_folder(self, folder: &str) -> String {
        self.name(Shelf::Success, "").replace("success_object/", folder)
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
