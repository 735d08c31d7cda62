//! Notifications of Amazon S3: the elements of `Records`, and the test event.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>. The vendor's
//! rule for versions: the major one is compared for equality, a higher minor one and unknown members are
//! taken. Emulators leave out much, so only bucket, key and name of the event are asked for.

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::EventError;
use super::size::Size;
use super::stream::{group, short};
use crate::change::{EventName, ObjectChange, Provider};

/// The major version of records that is understood.
const MAJOR: &str = "2";

/// The member `s3` of a record.
#[derive(Deserialize)]
pub(super) struct S3Entity {
    #[serde(default, deserialize_with = "group")]
    bucket: Option<S3Bucket>,
    #[serde(default, deserialize_with = "group")]
    object: Option<S3Object>,
}

#[derive(Deserialize)]
pub(super) struct S3Bucket {
    #[serde(default, deserialize_with = "short")]
    name: Option<String>,
}

#[derive(Deserialize)]
struct S3Object {
    #[serde(default, deserialize_with = "short")]
    key: Option<String>,
    #[serde(default, rename = "eTag", deserialize_with = "short")]
    etag: Option<String>,
    #[serde(default)]
    size: Size,
    #[serde(default, rename = "versionId", deserialize_with = "short")]
    version_id: Option<String>,
    #[serde(default, deserialize_with = "short")]
    sequencer: Option<String>,
}

/// The members of a record besides `s3`.
pub(super) struct S3EventInfo {
    pub(super) version: Option<String>,
    pub(super) name: Option<String>,
    pub(super) time: Option<String>,
}

impl S3Entity {
    pub(super) fn into_change(self, occasion: S3EventInfo) -> Result<ObjectChange, EventError> {
        check_major(occasion.version.as_deref(), MAJOR).map_err(|error| error.inside("eventVersion"))?;
        let Some(name) = occasion.name.filter(|name| !name.is_empty()) else {
            return Err(EventError::new("eventName", "missing"));
        };
        let bucket = S3Bucket::name(self.bucket).map_err(|error| error.inside("s3"))?;
        let Some(object) = self.object else {
            return Err(EventError::new("s3.object", "missing"));
        };
        let key = match object.key {
            Some(key) if !key.is_empty() => {
                decode_form(key).map_err(|error| error.inside("s3.object.key"))?
            }
            Some(_) => return Err(EventError::new("s3.object.key", "empty")),
            None => return Err(EventError::new("s3.object.key", "missing")),
        };
        Ok(ObjectChange {
            provider: Provider::AmazonS3,
            bucket: Some(bucket),
            key,
            event: EventName::new(name),
            event_time: occasion.time,
            etag: object.etag,
            size: object.size.0,
            version_id: object.version_id,
            sequencer: object.sequencer,
            url: None,
        })
    }
}

impl S3Bucket {
    /// The name of a bucket that must have one.
    pub(super) fn name(bucket: Option<Self>) -> Result<String, EventError> {
        match bucket.and_then(|bucket| bucket.name) {
            Some(name) if !name.is_empty() => Ok(name),
            _ => Err(EventError::new("bucket.name", "missing")),
        }
    }
}

/// Compares the major part of a version, where there is one.
pub(super) fn check_major(version: Option<&str>, major: &str) -> Result<(), EventError> {
    match version {
        Some(version) if version.split('.').next() != Some(major) => {
            Err(EventError::new("", format!("version {version:?} is not known, only {major}.x is")))
        }
        _ => Ok(()),
    }
}

/// The true key of a form-encoded one: `+` is a space, then what is percent-encoded is decoded, once.
fn decode_form(key: String) -> Result<String, EventError> {
    if !key.contains(['+', '%']) {
        return Ok(key);
    }
    // A key that is not form-encoded would silently become another key.
    let hex = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !key.split('%').skip(1).all(hex) {
        return Err(EventError::new("", "not form-encoded: a percent sign without two hexadecimal digits"));
    }
    match percent_decode_str(&key.replace('+', " ")).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(EventError::new("", "not UTF-8 once form-decoded")),
    }
}

/// The test event that S3 sends to a topic or queue when notifications are set up.
#[derive(Deserialize)]
pub(super) struct TestEvent {
    #[serde(default, rename = "Event", deserialize_with = "short")]
    event: Option<String>,
    #[serde(default, rename = "Bucket", deserialize_with = "short")]
    bucket: Option<String>,
}

impl TestEvent {
    /// Says in the log that the event arrived, if it is one.
    pub(super) fn welcomed(&self) -> bool {
        let known = self.event.as_deref() == Some("s3:TestEvent");
        if known {
            tracing::info!(bucket = self.bucket, "the test event of S3 arrived: notifications are set up");
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    /// What S3 leaves as it is, `/` and the space aside.
    const BARE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*');

    fn decoded(key: &str) -> Result<String, String> {
        decode_form(key.to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_are_form_decoded_once() {
        for (encoded, key) in [
            ("red+flower.jpg", "red flower.jpg"),
            ("HappyFace.jpg", "HappyFace.jpg"),
            ("a%2Bb", "a+b"),
            ("a%2520b", "a%20b"),
            ("%2B+%20", "+  "),
            ("test/10%3A47%3A07.log.bz2", "test/10:47:07.log.bz2"),
            ("test%2F10%3A47%3A07.log.bz2", "test/10:47:07.log.bz2"),
            ("%E6%B5%8B%e8%af%95.txt", "测试.txt"),
            ("已经是中文+.txt", "已经是中文 .txt"),
        ] {
            assert_eq!(decoded(encoded).as_deref(), Ok(key), "{encoded}");
        }
    }

    #[test]
    fn emulators_that_encode_otherwise_are_understood() {
        for moto_or_localstack in
            ["dir+a%2Fred+flower%2B%C3%A9~%2A.jpg", "dir%20a/red%20flower%2B%C3%A9~%2A.jpg"]
        {
            assert_eq!(decoded(moto_or_localstack).as_deref(), Ok("dir a/red flower+é~*.jpg"));
        }
    }

    #[test]
    fn what_is_not_form_encoded_is_refused() {
        for encoded in ["%FF", "%C3+%A9", "a%E6%B5"] {
            assert!(decoded(encoded).unwrap_err().contains("not UTF-8 once form-decoded"), "{encoded}");
        }
        for encoded in ["100%", "100%a", "%zz", "%%20", "%测", "50% off+"] {
            assert!(decoded(encoded).unwrap_err().contains("not form-encoded"), "{encoded}");
        }
    }

    #[test]
    fn only_the_major_version_counts() {
        for version in [None, Some("2.0"), Some("2.6"), Some("2.77"), Some("2")] {
            assert_eq!(check_major(version, MAJOR), Ok(()));
        }
        for version in ["3.0", "1.9", "20.1", ""] {
            assert!(
                check_major(Some(version), MAJOR).unwrap_err().to_string().contains("only 2.x is"),
                "{version}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_key_survives_the_encoding_of_s3(key in "\\PC{1,40}|[\\x00-\\x7f]{1,40}") {
            let form = utf8_percent_encode(&key, BARE).to_string();
            prop_assert_eq!(decode_form(form.replace("%20", "+")), Ok(key.clone()));
            prop_assert_eq!(decode_form(form.replace("%2F", "/")), Ok(key));
        }
    }
}
