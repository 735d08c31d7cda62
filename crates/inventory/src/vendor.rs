//! Whose inventory it is, and how keys are encoded in it.

use std::fmt;
use std::str::FromStr;

/// The service that wrote an inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// Amazon S3, and services whose manifests carry its version.
    S3,
    /// Alibaba Cloud OSS.
    Oss,
    /// Huawei Cloud OBS.
    Obs,
    /// Tencent Cloud COS, in its newer form. The older one carries the version of S3, and is read as such.
    Cos,
}

impl Vendor {
    /// By `version` of the manifest, and whether it names an app id of the source.
    pub(crate) fn of(version: Option<&str>, has_app_id: bool) -> Option<Self> {
        match version {
            Some("2016-11-30") => Some(Self::S3),
            Some("2019-09-01") => Some(Self::Oss),
            Some("2019-01-03") => Some(Self::Obs),
            None if has_app_id => Some(Self::Cos),
            _ => None,
        }
    }

    /// How it encodes keys in CSV files.
    ///
    /// Only Amazon's is known from real files: a blank is `+`. Of OSS it follows from how its listings are
    /// read by its own SDKs that there is neither a bare `+` nor a `+` for a blank. OBS encodes its listings
    /// as forms; COS follows Amazon.
    pub fn key_encoding(self) -> KeyEncoding {
        match self {
            Self::S3 | Self::Obs | Self::Cos => KeyEncoding::Form,
            Self::Oss => KeyEncoding::Percent,
        }
    }

    /// What addresses of its objects begin with.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Oss => "oss",
            Self::Obs => "obs",
            Self::Cos => "cos",
        }
    }
}

/// How keys are encoded in CSV files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEncoding {
    /// `%20` and `+` are blanks.
    Form,
    /// `%20` is a blank, `+` is itself.
    Percent,
    /// Keys are not encoded.
    Plain,
}

impl KeyEncoding {
    const WORDS: [(&'static str, Self); 3] =
        [("form", Self::Form), ("percent", Self::Percent), ("plain", Self::Plain)];

    /// Writes the key that `text` stands for to `key`.
    pub(crate) fn decode(self, text: &[u8], key: &mut Vec<u8>) -> Result<(), &'static str> {
        key.clear();
        let encoded = |byte: &u8| *byte == b'%' || (*byte == b'+' && self == Self::Form);
        if self == Self::Plain || !text.iter().any(encoded) {
            key.extend_from_slice(text);
            return Ok(());
        }
        let mut bytes = text.iter();
        while let Some(&byte) = bytes.next() {
            key.push(match byte {
                b'%' => {
                    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
                    let value =
                        digit(bytes.next()).zip(digit(bytes.next())).map(|(high, low)| high * 16 + low);
                    let value = value.and_then(|value| u8::try_from(value).ok());
                    value.ok_or("the key is not URL-encoded: a % is not followed by two hex digits")?
                }
                b'+' if self == Self::Form => b' ',
                byte => byte,
            });
        }
        Ok(())
    }
}

impl FromStr for KeyEncoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::WORDS.into_iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        found
            .map(|(_, encoding)| encoding)
            .ok_or_else(|| format!("{text:?}; possible values: form, percent, plain"))
    }
}

impl fmt::Display for KeyEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::WORDS.into_iter().find(|(_, encoding)| encoding == self);
        f.write_str(word.map_or("", |(word, _)| word))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(encoding: KeyEncoding, text: &str) -> Option<String> {
        let mut key = b"left from before".to_vec();
        encoding.decode(text.as_bytes(), &mut key).ok()?;
        String::from_utf8(key).ok()
    }

    #[test]
    fn only_forms_read_a_plus_as_a_blank() {
        let text = "a/b+c%20d%2Be%25%2C%22%0A%E6%B5%8B";
        for (encoding, key) in [
            (KeyEncoding::Form, "a/b c d+e%,\"\n测"),
            (KeyEncoding::Percent, "a/b+c d+e%,\"\n测"),
            (KeyEncoding::Plain, text),
        ] {
            assert_eq!(decoded(encoding, text).as_deref(), Some(key), "{encoding}");
        }
        assert_eq!(decoded(KeyEncoding::Form, "a/b").as_deref(), Some("a/b"));
    }

    #[test]
    fn what_is_no_encoding_is_refused_and_not_guessed_at() {
        for text in ["50%", "50%2", "50%zz", "50% off"] {
            assert_eq!(decoded(KeyEncoding::Form, text), None, "{text}");
            assert_eq!(decoded(KeyEncoding::Percent, text), None, "{text}");
            assert_eq!(decoded(KeyEncoding::Plain, text).as_deref(), Some(text));
        }
    }

    #[test]
    fn an_encoding_is_a_word_in_either_case() {
        for encoding in [KeyEncoding::Form, KeyEncoding::Percent, KeyEncoding::Plain] {
            assert_eq!(encoding.to_string().to_uppercase().parse(), Ok(encoding));
        }
        assert!("url".parse::<KeyEncoding>().is_err());
    }

    proptest! {
        #[test]
        fn an_encoded_key_comes_back(key in any::<String>()) {
            let all = |byte: u8| format!("%{byte:02X}");
            let encoded: Vec<_> = key.bytes().map(all).collect();
            prop_assert_eq!(decoded(KeyEncoding::Percent, &encoded.concat()), Some(key.clone()));
            let form = |byte: u8| if byte == b' ' { "+".into() } else { format!("%{byte:02x}") };
            let encoded: Vec<_> = key.bytes().map(form).collect();
            prop_assert_eq!(decoded(KeyEncoding::Form, &encoded.concat()), Some(key));
        }
    }
}
