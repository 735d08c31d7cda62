//! Endpoints, regions, buckets; addresses in the place of keys.

use std::str::FromStr;

use oss_lite::{BucketName, Dialect, Endpoint};

use super::{half_width, shown_url, vendor};
use crate::Invalid;
use crate::location::{Place, scheme};

/// What addresses of objects begin with.
const SCHEMES: [&str; 6] = ["oss", "obs", "s3", "cos", "https", "http"];

/// The domains of the two services. One more label before an endpoint in them is a bucket.
const OSS: &str = ".aliyuncs.com";
const OBS: &str = ".myhuaweicloud.";

/// The scheme of an address, its other half, and whether exactly `://` is between them.
pub fn parts(text: &str) -> Option<(&'static str, &str, bool)> {
    let (scheme, rest) = split(text)?;
    let slashes = text.get(..text.len() - rest.len()).map(half_width);
    let exact = slashes.is_some_and(|start| start.ends_with("://") && !start.ends_with(":///"));
    Some((scheme, rest, exact))
}

/// The scheme of an address and what stands behind its slashes, however many there are.
fn split(text: &str) -> Option<(&'static str, &str)> {
    let (before, rest) = text.split_once([':', '\u{ff1a}'])?;
    let before = half_width(before).to_ascii_lowercase();
    let scheme = SCHEMES.into_iter().find(|scheme| *scheme == before)?;
    let inner = rest.trim_start_matches(['/', '\u{ff0f}']);
    (inner.len() < rest.len()).then_some((scheme, inner))
}

/// What text of this machine's paths was meant to be, where it begins as an address does that lacks its
/// slashes, or its colon: `obs:mirror/a`, `obs//mirror/a`. As a path of this machine it would be taken
/// without a word.
pub fn meant(text: &str) -> Option<String> {
    const COPIED: [&str; 5] = ["oss", "obs", "s3", "https", "http"];
    let text = half_width(text);
    let (before, rest) = text.split_at(text.find([':', '/'])?);
    let rest = rest.strip_prefix(':').or_else(|| rest.strip_prefix("//"))?;
    let before = before.to_ascii_lowercase();
    let scheme = COPIED.into_iter().find(|scheme| *scheme == before)?;
    Some(format!("{scheme}://{}", rest.trim_start_matches('/')))
}

/// Whether text is the address of an object, and so no key and no local path: `oss://photos/a`, also with one
/// slash or in full-width characters.
pub fn is_address(text: &str) -> bool {
    split(text).is_some()
}

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

/// A region. `cn-hangzhou` is what all of `cn-hangzhou`, `oss-cn-hangzhou`, `cn-hangzhou-internal` and the
/// endpoint mean.
///
/// # Errors
///
/// When it is no name of a region.
pub fn region(text: &str) -> Result<String, Invalid> {
    let text = half_width(text).trim().to_ascii_lowercase();
    let host = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest).trim_end_matches('/');
    let hint = if host.contains('.') {
        host.parse::<Endpoint>().ok().and_then(|endpoint| endpoint.region_hint().map(str::to_owned))
    } else {
        let name = host.strip_prefix("oss-").unwrap_or(host);
        Some(name.strip_suffix("-internal").unwrap_or(name).to_owned())
    };
    let good = |name: &String| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    hint.filter(good).ok_or_else(|| {
        let what = format!("{:?} is no region, which is a name such as \"cn-hangzhou\"", shown_url(&text));
        Invalid::new(what)
    })
}

/// A region of Amazon Web Services. The host of a service in it means the same.
///
/// # Errors
///
/// When it is no name of a region, such as that of an availability zone.
pub fn aws_region(text: &str) -> Result<String, Invalid> {
    let text = half_width(text).trim().to_ascii_lowercase();
    let host = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest).trim_end_matches('/');
    let name = match host.split('.').collect::<Vec<_>>()[..] {
        [_, region, "amazonaws", "com"] | [_, region, "amazonaws", "com", "cn"] => region,
        _ => host,
    };
    let good = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let invalid = || {
        let what = format!("{:?} is no region, which is a name such as \"eu-west-1\"", shown_url(&text));
        Invalid::new(what)
    };
    if name.is_empty() || !good {
        return Err(invalid());
    }
    // A zone has a letter behind the number of its region.
    let zone = name.strip_suffix(|last: char| last.is_ascii_lowercase());
    match zone.filter(|region| region.ends_with(|last: char| last.is_ascii_digit()) && region.contains('-')) {
        Some(region) => Err(invalid().probably(region)),
        None => Ok(name.to_owned()),
    }
}

/// Where a service listens.
///
/// # Errors
///
/// What is wrong with it, and what was probably meant.
pub fn endpoint(text: &str, dialect: Dialect) -> Result<Endpoint, Invalid> {
    let text = half_width(text);
    let text = text.trim().trim_end_matches('/');
    let endpoint: Endpoint = text.parse().map_err(|error| {
        let probably = origin(text).filter(|origin| origin.parse::<Endpoint>().is_ok());
        match probably {
            Some(origin) => Invalid::new(error).probably(&origin),
            None => Invalid::new(error),
        }
    })?;
    let host = endpoint.host();
    if let Some(foreign) = vendor::foreign(host, dialect.into()) {
        return Err(foreign);
    }
    if let Some((bucket, rest)) = bucket_in(host) {
        return Err(Invalid::new(format_args!("{host:?} has the bucket {bucket:?} in it")).probably(rest));
    }
    // A bare word would be asked for over HTTPS, which no host of a private network speaks by such a name.
    match half_host(text, dialect) {
        Some(full) => Err(Invalid::new(format_args!("{text:?} is no whole host")).probably(&full)),
        None => Ok(endpoint),
    }
}

/// `https://` where there is no scheme; the bucket is in the path.
///
/// # Errors
///
/// When it is no URL of a service.
pub fn s3_endpoint(text: &str) -> Result<String, Invalid> {
    let text = half_width(text);
    let text = text.trim().trim_end_matches('/');
    let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = reqwest::Url::parse(&full)
        .map_err(|_| Invalid::new(format_args!("{:?} is neither a host nor a URL", shown_url(text))))?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !plain {
        let what = format!("{:?} has more than scheme, host, port and path", shown_url(text));
        return Err(Invalid::new(what));
    }
    let foreign = url.host_str().and_then(|host| vendor::foreign(host, vendor::Service::S3));
    foreign.map_or(Ok(full), Err)
}

/// Scheme, host and port of a URL that has more.
fn origin(text: &str) -> Option<String> {
    let fixed = split(text).filter(|(scheme, _)| scheme.starts_with("http"));
    let full = match fixed {
        Some((scheme, rest)) => format!("{scheme}://{rest}"),
        None if text.contains("://") => return None,
        None => format!("https://{text}"),
    };
    let url = reqwest::Url::parse(&full).ok()?;
    url.host_str().filter(|host| host.contains('.') || *host == "localhost")?;
    Some(url.origin().ascii_serialization())
}

/// The bucket in a host of either service, and the host without it.
fn bucket_in(host: &str) -> Option<(&str, &str)> {
    let (bucket, rest) = host.split_once('.')?;
    // Behind a bucket comes a region: `cn-hangzhou-internal.oss-data-acc.aliyuncs.com` has no bucket in it.
    let label = rest.split('.').next().and_then(|label| label.strip_prefix("oss-"));
    let names_region = label
        .is_some_and(|label| label.starts_with("accelerate") || half_host(label, Dialect::Oss).is_some());
    let of_oss = names_region && rest.ends_with(OSS) && rest.matches('.').count() == 2;
    let of_obs = rest.starts_with("obs.") && rest.contains(OBS);
    (bucket != "s3" && (of_oss || of_obs)).then_some((bucket, rest))
}

/// The host that a region alone, or the first label of a host, stands for.
fn half_host(text: &str, dialect: Dialect) -> Option<String> {
    let region = text.strip_prefix("oss-").unwrap_or(text);
    let (country, rest) = region.split_once('-')?;
    let known = ["af", "ap", "cn", "eu", "la", "me", "na", "ru", "sa", "tr", "us"].contains(&country);
    let plain = rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') && !rest.is_empty();
    (known && plain).then(|| match dialect {
        Dialect::Oss => format!("oss-{region}.aliyuncs.com"),
        Dialect::Obs => format!("obs.{region}.myhuaweicloud.com"),
    })
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
    fn a_host_without_a_bucket_is_taken_though_a_label_stands_before_it() {
        let accelerator = "cn-hangzhou-internal.oss-data-acc.aliyuncs.com";
        assert!(endpoint(accelerator, Dialect::Oss).is_ok());
        assert!(endpoint("photos.oss-cn-hangzhou.aliyuncs.com", Dialect::Oss).is_err());
        assert!(endpoint("photos.oss-accelerate.aliyuncs.com", Dialect::Oss).is_err());
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
    fn an_address_without_its_slashes_or_its_colon_is_recognised() {
        for (text, address) in [
            ("obs:dst/l", "obs://dst/l"),
            ("obs//dst/l", "obs://dst/l"),
            ("OSS:src", "oss://src"),
            ("obs：dst", "obs://dst"),
            ("s3///src", "s3://src"),
            ("https:h/a", "https://h/a"),
            ("http//h:8/a", "http://h:8/a"),
        ] {
            assert_eq!(meant(text).as_deref(), Some(address), "{text}");
        }
        for text in ["./obs:dst", "obs/dst", "obs", "obsolete:x", "a/obs:b", "/obs//b", "cos:x", ""] {
            assert_eq!(meant(text), None, "{text}");
        }
    }

    #[test]
    fn regions_are_told_by_their_hosts_too() {
        for text in [
            "cn-hangzhou",
            "cn-hangzhou-internal",
            "oss-cn-hangzhou",
            "oss-cn-hangzhou-internal",
            "oss-cn-hangzhou-internal.aliyuncs.com",
            "https://oss-cn-hangzhou.aliyuncs.com/",
            "CN-Hangzhou",
            "ｃｎ-hangzhou",
        ] {
            assert_eq!(told(region(text)).as_deref(), Ok("cn-hangzhou"), "{text}");
        }
        for text in ["cn hangzhou", "杭州", "example.com", "oss-", "cn_hangzhou"] {
            assert!(region(text).is_err(), "{text}");
        }
    }

    #[test]
    fn regions_of_amazon_are_told_by_hosts_too_and_zones_are_none() {
        for text in
            ["eu-west-1", " EU-West-1", "s3.eu-west-1.amazonaws.com", "https://sqs.eu-west-1.amazonaws.com/"]
        {
            assert_eq!(told(aws_region(text)).as_deref(), Ok("eu-west-1"), "{text}");
        }
        assert_eq!(told(aws_region("s3.cn-north-1.amazonaws.com.cn")).as_deref(), Ok("cn-north-1"));
        assert_eq!(told(aws_region("local")).as_deref(), Ok("local"));
        assert!(told(aws_region("eu-west-1b")).unwrap_err().contains("probably \"eu-west-1\" is meant"));
        for text in ["", "eu west 1", "法兰克福", "s3.amazonaws.com"] {
            assert!(aws_region(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_mended_or_the_right_one_is_named() {
        for (text, url) in [
            ("oss-cn-hangzhou.aliyuncs.com//", "https://oss-cn-hangzhou.aliyuncs.com"),
            ("ｈｔｔｐｓ：//oss-cn-hangzhou。aliyuncs.com", "https://oss-cn-hangzhou.aliyuncs.com"),
            ("http://minio:9000", "http://minio:9000"),
            ("s3.oss-cn-hangzhou.aliyuncs.com", "https://s3.oss-cn-hangzhou.aliyuncs.com"),
            ("files.example.com", "https://files.example.com"),
        ] {
            assert_eq!(endpoint(text, Dialect::Oss).unwrap().url(), url, "{text}");
        }
        for (text, probably) in [
            ("https://oss-cn-hangzhou.aliyuncs.com/photos", "https://oss-cn-hangzhou.aliyuncs.com"),
            ("https:/oss-cn-hangzhou.aliyuncs.com", "https://oss-cn-hangzhou.aliyuncs.com"),
            ("photos.oss-cn-hangzhou-internal.aliyuncs.com", "oss-cn-hangzhou-internal.aliyuncs.com"),
            ("cn-hangzhou", "oss-cn-hangzhou.aliyuncs.com"),
            ("oss-cn-hangzhou-internal", "oss-cn-hangzhou-internal.aliyuncs.com"),
            ("obs.cn-north-4.myhuaweicloud.com", "one of Alibaba Cloud OSS is wanted"),
        ] {
            let error = told(endpoint(text, Dialect::Oss)).unwrap_err();
            assert!(error.contains(probably), "{text}: {error}");
        }
        let of_obs = |text| told(endpoint(text, Dialect::Obs)).unwrap_err();
        assert!(
            of_obs("mirror.obs.cn-north-4.myhuaweicloud.com")
                .contains("\"obs.cn-north-4.myhuaweicloud.com\"")
        );
        assert!(of_obs("oss-cn-hangzhou.aliyuncs.com").contains("one of Huawei Cloud OBS is wanted"));
        for text in ["https://user:hush@oss.example.com", "oss.example.com?token=hush", "https://u:hu/sh@h"] {
            let error = told(endpoint(text, Dialect::Oss)).unwrap_err();
            assert!(!error.contains("hush") && !error.contains("sh@"), "{error}");
            let error = told(s3_endpoint(text)).unwrap_err();
            assert!(!error.contains("hush") && !error.contains("sh@"), "{error}");
        }
        assert_eq!(told(s3_endpoint("127.0.0.1:9000/")).as_deref(), Ok("https://127.0.0.1:9000"));
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
