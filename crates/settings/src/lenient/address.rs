//! Buckets, places in them, and addresses in the place of keys.

use std::str::FromStr;

use oss_lite::{BucketName, Dialect};

use super::endpoint::{OSS, bucket_in};
use super::scheme::{parts, split};
use super::{half_width, shown_url};
use crate::Invalid;
use crate::location::{Place, scheme};

/// The bucket that keys are read from.
#[derive(Clone, Copy, Debug)]
pub struct KeyBucket<'a> {
    /// The scheme of its addresses.
    pub scheme: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The setting, option or argument that names it.
    pub setting: &'a str,
}

/// A key that somebody handed over. An address in `source` is its key.
///
/// # Errors
///
/// What is wrong with it, and what was probably meant.
pub fn key(text: String, source: Option<KeyBucket<'_>>) -> Result<String, Invalid> {
    let Some((scheme, rest)) = split(&text) else { return Ok(text) };
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    match source {
        _ if key.is_empty() => {
            Err(Invalid::new(format_args!("{:?} is an address and no key", shown_url(&text))))
        }
        Some(source) if (source.scheme, source.name) == (scheme, bucket) => Ok(key.to_owned()),
        // The host of a web address may stand for the same bucket.
        Some(KeyBucket { scheme: of, name, setting }) if !scheme.starts_with("http") => {
            let what = format!("{:?} is not in {of}://{name}, the bucket in {setting}", shown_url(&text));
            Err(Invalid::new(what)
                .with_remedy(format_args!("name a key of that bucket, or correct {setting}")))
        }
        _ => {
            let what = format!("{:?} is an address, and keys come without bucket", shown_url(&text));
            Err(Invalid::new(what).probably(&shown_url(key)))
        }
    }
}

/// The same of an argument, which cannot be empty: a variable of a shell that is not set is.
///
/// # Errors
///
/// What is wrong with it, and what was probably meant.
pub fn named_key(text: String, source: Option<KeyBucket<'_>>) -> Result<String, Invalid> {
    if text.is_empty() {
        return Err(Invalid::new("an empty key").with_remedy("name an object; a variable may be unset"));
    }
    key(text, source)
}

/// A bucket by its name. Its address without a key is its name, too.
///
/// # Errors
///
/// What is wrong with it, and what was probably meant.
pub fn bucket(text: &str, dialect: Dialect) -> Result<BucketName, Invalid> {
    let text = half_width(text);
    let text = text.trim();
    let name = match split(text) {
        Some((found, rest)) if found == scheme(dialect) => rest,
        _ => text,
    };
    let name = BucketName::parse(name.trim_end_matches('/'), dialect).map_err(|error| {
        let invalid = Invalid::new(hidden(&error.to_string(), text, name));
        match probable_bucket(text, dialect) {
            Some(bucket) => invalid.probably(bucket.as_str()),
            None => invalid,
        }
    })?;
    match bucket_in(name.as_str()) {
        Some((bucket, endpoint)) => {
            Err(Invalid::new(format_args!("{:?} is the host of a bucket", name.as_str()))
                .with_remedy(with_endpoint(bucket, endpoint)))
        }
        None => Ok(name),
    }
}

/// A message about `name` in which nothing of a URL is shown that may be a secret.
fn hidden(message: &str, text: &str, name: &str) -> String {
    message.replace(&format!("{:?}", name.trim_end_matches('/')), &format!("{:?}", shown_url(text)))
}

/// What was probably meant by a host of a bucket.
fn with_endpoint(meant: &str, endpoint: &str) -> String {
    format!("probably {meant:?} is meant, and {endpoint:?} as its endpoint")
}

fn probable_bucket(text: &str, dialect: Dialect) -> Option<BucketName> {
    let rest = split(text).map_or(text, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = bucket_in(host).map_or(host, |(bucket, _)| bucket).to_ascii_lowercase();
    BucketName::parse(&name, dialect).ok().filter(|name| name.as_str() != text)
}

/// A bucket of OSS or OBS and what keys in it begin with. Schemes are of either case, and scheme and bucket
/// may be in full-width characters.
///
/// # Errors
///
/// What is wrong with it, and what was probably meant.
pub fn place(text: &str) -> Result<Place, Invalid> {
    let unknown = || {
        let what =
            format!("{:?} is neither obs://bucket[/prefix] nor oss://bucket[/prefix]", shown_url(text));
        Invalid::new(what)
    };
    let Some((found, rest)) = split(text) else { return Err(unknown()) };
    let (bucket_text, prefix) = rest.split_once(['/', '\u{ff0f}']).unwrap_or((rest, ""));
    let dialect = match found {
        "oss" => Dialect::Oss,
        "obs" => Dialect::Obs,
        _ => {
            // A user and a password before it are no part of what was meant.
            let bucket_text = bucket_text.rsplit('@').next().unwrap_or_default();
            let dialect = if bucket_text.contains(OSS) { Dialect::Oss } else { Dialect::Obs };
            return match bucket_in(bucket_text) {
                Some((bucket, endpoint)) => {
                    let meant = joined(scheme(dialect), bucket, shown_url(prefix).as_str());
                    Err(unknown().with_remedy(with_endpoint(&meant, endpoint)))
                }
                None => Err(unknown()),
            };
        }
    };
    // One slash, or three, is a slip of the hand; what is meant is beyond doubt, but the other end may be a
    // path of this machine.
    if parts(text).is_some_and(|(.., exact)| !exact) {
        let bare = bucket_text.rsplit('@').next().unwrap_or_default();
        return Err(
            Invalid::new(format_args!("{:?}", shown_url(text))).probably(&joined(found, bare, prefix))
        );
    }
    let bucket = bucket(bucket_text, dialect)?;
    Ok(Place { dialect, bucket, prefix: prefix.to_owned() })
}

impl FromStr for Place {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        place(text)
    }
}

fn joined(scheme: &str, bucket: &str, prefix: &str) -> String {
    let slash = if prefix.is_empty() { "" } else { "/" };
    format!("{scheme}://{bucket}{slash}{prefix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the message in the place of what is wrong.
    fn told<T>(result: Result<T, Invalid>) -> Result<T, String> {
        result.map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn a_user_and_a_password_are_in_no_message_and_no_suggestion() {
        for text in [
            "https://u:XsecretX@b.obs.cn-north-4.myhuaweicloud.com/x",
            "obs:/ak:XsecretX@bucket/p",
            "oss:///ak:XsecretX@bucket/p",
            "obs://ak:XsecretX@bucket/p",
            "ftp://ak:XsecretX@bucket/p",
        ] {
            let error = told(place(text)).unwrap_err();
            assert!(!error.contains("Xsecret"), "{text}: {error}");
        }
    }

    #[test]
    fn an_address_is_no_key_unless_it_is_in_the_bucket_of_keys() {
        const SOURCE: KeyBucket<'_> = KeyBucket { scheme: "oss", name: "photos", setting: "SOURCE_BUCKET" };
        let key = |text: &str| told(super::key(text.to_owned(), Some(SOURCE)));
        assert_eq!(key("a/b.jpg").as_deref(), Ok("a/b.jpg"));
        assert_eq!(key("oss://photos/a/b.jpg").as_deref(), Ok("a/b.jpg"));
        assert_eq!(key("OSS：//photos/a").as_deref(), Ok("a"));
        for text in ["oss:a", "ossx://b/a", "a://b", "oss"] {
            assert_eq!(key(text).as_deref(), Ok(text));
        }
        for text in ["oss://other/a", "obs://photos/a", "s3:/photos/a"] {
            let error = key(text).unwrap_err();
            assert!(error.contains("is not in oss://photos, the bucket in SOURCE_BUCKET"), "{error}");
            assert!(!error.contains("probably"), "{error}");
        }
        for (text, source) in [("https://photos/a", Some(SOURCE)), ("oss://photos/a", None)] {
            let error = told(super::key(text.to_owned(), source)).unwrap_err();
            assert!(error.contains("probably \"a\" is meant"), "{error}");
        }
        assert!(key("oss://photos/").unwrap_err().contains("an address and no key"));
        let error = key("https://u:pw@h/a?sig=1").unwrap_err();
        assert!(!error.contains("pw") && !error.contains("sig"), "{error}");
    }

    #[test]
    fn a_bucket_may_be_given_as_its_address() {
        for text in ["photos", "oss://photos", "oss://photos/", "photos/", "ＯＳＳ：／／photos"] {
            assert_eq!(bucket(text, Dialect::Oss).unwrap().as_str(), "photos", "{text}");
        }
        for text in [
            "https://photos",
            "https://photos.oss-cn-hangzhou.aliyuncs.com/",
            "photos.oss-cn-hangzhou.aliyuncs.com",
            "oss://photos/2024",
            "obs://photos",
            "Photos",
        ] {
            let error = told(bucket(text, Dialect::Oss)).unwrap_err();
            assert!(error.contains("probably \"photos\" is meant"), "{text}: {error}");
        }
        let error = told(bucket("mirror.obs.cn-north-4.myhuaweicloud.com", Dialect::Obs)).unwrap_err();
        assert!(error.contains("probably \"mirror\" is meant"), "{error}");
    }

    #[test]
    fn a_place_is_mended_or_the_right_one_is_named() {
        for (text, shown) in [
            ("OBS://mirror/A/", "obs://mirror/A/"),
            ("oss：／／mirror／a", "oss://mirror/a"),
            ("obs://mirror//a", "obs://mirror//a"),
        ] {
            assert_eq!(place(text).unwrap().to_string(), shown, "{text}");
        }
        for (text, probably) in [
            ("obs:/mirror/a", "\"obs://mirror/a\""),
            ("oss:///photos/", "\"oss://photos\""),
            ("https://mirror.obs.cn-north-4.myhuaweicloud.com/a", "\"obs://mirror/a\""),
            ("https://photos.oss-cn-hangzhou.aliyuncs.com", "\"oss://photos\""),
            ("obs://mirror.obs.cn-north-4.myhuaweicloud.com/a", "\"mirror\""),
            ("mirror", "neither"),
        ] {
            let error = told(place(text)).unwrap_err();
            assert!(error.contains(probably), "{text}: {error}");
        }
    }
}
