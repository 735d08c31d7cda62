//! CRC-64 against the values of both vendors' SDKs.

use std::fs;
use std::path::Path;

use oss_lite::Crc64;
use serde::Deserialize;

#[derive(Deserialize)]
struct Recorded {
    values: Vec<Value>,
    combined: Combined,
}

/// A text, as often as it says.
#[derive(Deserialize)]
struct Value {
    text: String,
    times: usize,
    crc64: String,
}

#[derive(Deserialize)]
struct Combined {
    first: Value,
    second: Value,
    crc64: String,
}

impl Value {
    fn bytes(&self) -> Vec<u8> {
        self.text.repeat(self.times).into_bytes()
    }

    fn checked(&self) -> u64 {
        let mut crc = Crc64::new();
        crc.update(&self.bytes());
        assert_eq!(crc.value().to_string(), self.crc64, "{:?}", self.text);
        crc.value()
    }
}

#[test]
fn checksums_are_those_of_the_official_sdks() {
    for dialect in ["oss", "obs"] {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(dialect).join("crc64.json");
        let recorded = fs::read_to_string(path).expect("a fixture");
        let recorded: Recorded = serde_json::from_str(&recorded).expect("checksums");
        assert!(recorded.values.len() >= 3);
        for value in &recorded.values {
            value.checked();
        }
        let Combined { first, second, crc64 } = recorded.combined;
        let combined = Crc64::combine(first.checked(), second.checked(), second.bytes().len() as u64);
        assert_eq!(combined.to_string(), crc64);
    }
}
