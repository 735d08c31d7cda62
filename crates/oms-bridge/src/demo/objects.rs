//! What the demo uploads: objects whose names have broken other tools.

use std::path::Path;

use bytes::Bytes;

/// An object to upload.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// Its key.
    pub key: String,
    /// Its content.
    pub body: Bytes,
    /// Its content type.
    pub content_type: &'static str,
}

const NAMES: [&str; 20] = [
    "hello.txt",
    "photos/2026/summer.jpg",
    "directory/",
    "a//b.txt",
    "up/../and/./down.txt",
    "..hidden/...txt",
    " blanks  around ",
    "100%.txt",
    "100%25.txt",
    "1+1=2&more.txt",
    "what?now#here.txt",
    "it's (really) *new*!.txt",
    "quotes\"and\\slashes.txt",
    "<xml>&amp;.txt",
    "测试/图片.jpg",
    "crab-🦀.txt",
    "caf\u{e9}.txt",
    "cafe\u{301}.txt",
    "tab\tand\u{1}control.txt",
    "semi;colon,comma@at:colon.txt",
];

const DURING_OUTAGE: [&str; 5] =
    ["outage/1.txt", "outage/2 +.txt", "outage/三.txt", "outage/../4.txt", "outage/5%2F.txt"];

/// The objects of the first step. One has the longest name that OSS allows, one is empty, one has a mebibyte.
pub(crate) fn first_act() -> Vec<Sample> {
    let mut samples: Vec<Sample> = NAMES.iter().map(|key| sample(key)).collect();
    samples.push(sample(&format!("long/{}", "n".repeat(1023 - "long/".len()))));
    samples.push(Sample { body: noise(1 << 20), ..sample("one-mebibyte.bin") });
    samples
}

/// The objects that are uploaded while OMS is down.
pub(crate) fn during_outage() -> Vec<Sample> {
    DURING_OUTAGE.iter().map(|key| sample(key)).collect()
}

fn sample(key: &str) -> Sample {
    let (body, content_type) = match key {
        _ if key.ends_with('/') => (Bytes::new(), "application/x-directory"),
        _ if Path::new(key).extension().is_some_and(|extension| extension == "jpg") => {
            (noise(20_000 + key.len()), "image/jpeg")
        }
        _ => (Bytes::from(format!("This is {key:?}.\n")), "text/plain"),
    };
    Sample { key: key.to_owned(), body, content_type }
}

/// Bytes that do not repeat (xorshift).
fn noise(length: usize) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ length as u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}
