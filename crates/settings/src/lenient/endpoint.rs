//! Regions and endpoints.

use oss_lite::{Dialect, Endpoint};

use super::scheme::split;
use super::{half_width, shown_url, vendor};
use crate::Invalid;

/// The domains of the two services. One more label before an endpoint in them is a bucket.
pub(super) const OSS: &str = ".aliyuncs.com";
const OBS: &str = ".myhuaweicloud.";

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
    let foreign = url.host_str().and_then(|host| vendor::foreign(host, vendor::KnownService::S3));
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
pub(super) fn bucket_in(host: &str) -> Option<(&str, &str)> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// With the message in the place of what is wrong.
    fn told<T>(result: Result<T, Invalid>) -> Result<T, String> {
        result.map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn a_host_without_a_bucket_is_taken_though_a_label_stands_before_it() {
        let accelerator = "cn-hangzhou-internal.oss-data-acc.aliyuncs.com";
        assert!(endpoint(accelerator, Dialect::Oss).is_ok());
        assert!(endpoint("photos.oss-cn-hangzhou.aliyuncs.com", Dialect::Oss).is_err());
        assert!(endpoint("photos.oss-accelerate.aliyuncs.com", Dialect::Oss).is_err());
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
}
