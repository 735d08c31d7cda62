//! Whose host it is, and which regions have one.

use oss_lite::Dialect;
use strsim::osa_distance;

use crate::Invalid;

/// A service that the vendors give hosts of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KnownService {
    Oss,
    Obs,
    S3,
    Cos,
}

impl From<Dialect> for KnownService {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Oss => Self::Oss,
            Dialect::Obs => Self::Obs,
        }
    }
}

impl KnownService {
    fn of(host: &str) -> Option<Self> {
        let domain = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        if domain("aliyuncs.com") {
            // The host by which OSS takes requests as Amazon S3 does.
            let as_s3 = host.starts_with("s3.oss-");
            return (!as_s3).then_some(Self::Oss);
        }
        if host.contains(".myhuaweicloud.") {
            return Some(Self::Obs);
        }
        if domain("amazonaws.com") || domain("amazonaws.com.cn") {
            return Some(Self::S3);
        }
        domain("myqcloud.com").then_some(Self::Cos)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Oss => "Alibaba Cloud OSS",
            Self::Obs => "Huawei Cloud OBS",
            Self::S3 => "Amazon S3",
            Self::Cos => "Tencent Cloud COS",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Oss => "name one such as oss-cn-hangzhou.aliyuncs.com",
            Self::Obs => "name one such as obs.cn-north-4.myhuaweicloud.com",
            Self::S3 => "buckets of OSS and OBS are read by oss:// and obs://",
            Self::Cos => "name one such as cos.ap-guangzhou.myqcloud.com",
        }
    }
}

/// What is wrong with a host that belongs to another service than the one that is wanted.
pub(super) fn foreign(host: &str, wanted: KnownService) -> Option<Invalid> {
    let found = KnownService::of(host).filter(|found| *found != wanted)?;
    let what = format!("{host:?} is a host of {}, and one of {} is wanted", found.name(), wanted.name());
    Some(Invalid::new(what).with_remedy(wanted.remedy()))
}

/// Regions of [OSS](https://www.alibabacloud.com/help/en/oss/regions-and-endpoints). A region that is missing
/// here can still be used: the lists only explain hosts that do not exist.
#[rustfmt::skip]
const OF_OSS: &[&str] = &[
    "cn-hangzhou", "cn-shanghai", "cn-nanjing", "cn-fuzhou", "cn-wuhan-lr", "cn-qingdao", "cn-beijing",
    "cn-zhangjiakou", "cn-huhehaote", "cn-wulanchabu", "cn-shenzhen", "cn-heyuan", "cn-guangzhou",
    "cn-chengdu", "cn-zhongwei", "cn-hongkong", "us-west-1", "us-east-1", "us-southeast-1", "na-south-1",
    "ap-northeast-1", "ap-northeast-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3",
    "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ap-south-1", "eu-central-1", "eu-west-1",
    "me-east-1", "me-central-1", "rg-china-mainland", "cn-hzfinance", "cn-hzjbp", "cn-szfinance",
    "cn-shanghai-finance-1", "cn-shenzhen-finance-1", "cn-beijing-finance-1", "cn-north-2-gov-1",
];

/// Regions of [Huawei Cloud](https://developer.huaweicloud.com/intl/en-us/endpoint).
#[rustfmt::skip]
const OF_HUAWEI: &[&str] = &[
    "cn-north-1", "cn-north-2", "cn-north-4", "cn-north-9", "cn-north-11", "cn-north-12", "cn-east-2",
    "cn-east-3", "cn-east-4", "cn-east-5", "cn-south-1", "cn-south-2", "cn-south-4", "cn-southwest-2",
    "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "af-south-1",
    "af-north-1", "la-north-2", "la-south-2", "sa-brazil-1", "na-mexico-1", "tr-west-1", "me-east-1",
    "ru-northwest-2", "eu-west-101",
];

/// Regions of [AWS](https://docs.aws.amazon.com/general/latest/gr/sqs-service.html).
#[rustfmt::skip]
const OF_AMAZON: &[&str] = &[
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "us-gov-east-1", "us-gov-west-1", "ca-central-1",
    "ca-west-1", "mx-central-1", "sa-east-1", "eu-central-1", "eu-central-2", "eu-west-1", "eu-west-2",
    "eu-west-3", "eu-south-1", "eu-south-2", "eu-north-1", "il-central-1", "me-south-1", "me-central-1",
    "af-south-1", "ap-east-1", "ap-east-2", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2",
    "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "cn-north-1", "cn-northwest-1",
];

/// How far a slip of the hand is from what was meant, in characters.
const SLIP: usize = 2;

/// What is wrong with the host of an endpoint that has no address, where that is its name: a region that no
/// list has, or a domain that is nearly that of a vendor. `None` where the name may be right, and the network
/// is at fault.
pub fn slip(host: &str) -> Option<Invalid> {
    let Some((regions, before, after)) = form(host) else {
        let near = hosts().map(|known| (osa_distance(host, &known), known)).min()?;
        let (_, meant) = Some(near).filter(|(distance, _)| *distance <= SLIP)?;
        return Some(Invalid::new(format_args!("there is no host {host:?}")).probably(&meant));
    };
    let name = host.strip_prefix(&*before)?.strip_suffix(&*after)?;
    if regions.contains(&name) {
        return None;
    }
    let invalid = Invalid::new(format_args!("no such region: {name:?}"));
    Some(match near(name, regions) {
        Some(region) => {
            invalid.with_remedy(format_args!("did you mean {:?}?", [&before, region, &after].concat()))
        }
        None => invalid.with_remedy("correct the region in the host"),
    })
}

/// What is wrong with an address of a service of AWS, `https://sqs.us-east-1.amazonaws.com`, that cannot be
/// reached: its region is nearly one of AWS's. `None` where it may be right, and for other addresses.
pub fn slip_of_amazon(address: &str) -> Option<Invalid> {
    let (_, host) = address.split_once("://").unwrap_or(("", address));
    let (_, behind) = host.split_once('.')?;
    let name = behind.strip_suffix(".amazonaws.com").or_else(|| behind.strip_suffix(".amazonaws.com.cn"))?;
    let meant = if OF_AMAZON.contains(&name) { None } else { near(name, OF_AMAZON) }?;
    Some(Invalid::new(format_args!("no such region: {name:?}")).probably(meant))
}

/// What is wrong with the name of a region that is nearly that of one of the vendor's. `None` where it may be
/// right.
pub fn no_region(name: &str, dialect: Dialect) -> Option<Invalid> {
    let regions = match dialect {
        Dialect::Oss => OF_OSS,
        Dialect::Obs => OF_HUAWEI,
    };
    let meant = if regions.contains(&name) { None } else { near(name, regions) }?;
    Some(Invalid::new(format_args!("no such region: {name:?}")).probably(meant))
}

/// The region that was probably meant.
fn near(name: &str, regions: &[&'static str]) -> Option<&'static str> {
    let near = regions.iter().min_by_key(|region| osa_distance(name, region));
    near.filter(|region| osa_distance(name, region) <= SLIP).copied()
}

/// The regions of the service whose host it is, and what stands before and behind the region.
fn form(host: &str) -> Option<(&'static [&'static str], String, String)> {
    let (first, domain) = host.split_once('.')?;
    if domain == "aliyuncs.com" {
        let region = first.strip_prefix("oss-")?;
        if region.starts_with("accelerate") {
            return None;
        }
        let internal = if region.ends_with("-internal") { "-internal" } else { "" };
        return Some((OF_OSS, "oss-".to_owned(), format!("{internal}.{domain}")));
    }
    let (_, behind) = domain.split_once('.')?;
    let of_huawei = behind.starts_with("myhuaweicloud.") && matches!(first, "obs" | "oms");
    of_huawei.then(|| (OF_HUAWEI, format!("{first}."), format!(".{behind}")))
}

/// The hosts of all known regions.
fn hosts() -> impl Iterator<Item = String> {
    let oss = OF_OSS
        .iter()
        .flat_map(|region| ["", "-internal"].map(|internal| format!("oss-{region}{internal}.aliyuncs.com")));
    let huawei = OF_HUAWEI
        .iter()
        .flat_map(|region| ["obs", "oms"].map(|service| format!("{service}.{region}.myhuaweicloud.com")));
    oss.chain(huawei)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_of_amazon_is_a_slip_only_where_it_is_nearly_one() {
        let said = |address| slip_of_amazon(address).map(|slip| slip.to_string());
        let slip = "no such region: \"us-esat-1\": probably \"us-east-1\" is meant";
        for address in ["https://sqs.us-esat-1.amazonaws.com", "sqs.us-esat-1.amazonaws.com.cn"] {
            assert_eq!(said(address).as_deref(), Some(slip));
        }
        for right in [
            "https://sqs.us-east-1.amazonaws.com",
            "https://sqs.moon-base-7.amazonaws.com",
            "http://[::1]:9",
            "x",
        ] {
            assert_eq!(said(right), None, "{right}");
        }
    }

    #[test]
    fn a_host_of_another_vendor_is_recognised() {
        let told = |host: &str, wanted| foreign(host, wanted).map(|invalid| invalid.to_string());
        for (host, wanted, said) in [
            (
                "obs.cn-north-4.myhuaweicloud.com",
                KnownService::Oss,
                "of Huawei Cloud OBS, and one of Alibaba",
            ),
            ("oss-cn-hangzhou.aliyuncs.com", KnownService::Obs, "of Alibaba Cloud OSS, and one of Huawei"),
            ("s3.eu-west-1.amazonaws.com", KnownService::Obs, "of Amazon S3, and one of Huawei Cloud OBS"),
            ("s3.cn-north-1.amazonaws.com.cn", KnownService::Oss, "of Amazon S3, and one of Alibaba"),
            ("cos.ap-guangzhou.myqcloud.com", KnownService::Oss, "of Tencent Cloud COS, and one of Alibaba"),
            ("oss-cn-hangzhou.aliyuncs.com", KnownService::S3, "are read by oss:// and obs://"),
            ("obs.cn-north-4.myhuaweicloud.com", KnownService::S3, "are read by oss:// and obs://"),
        ] {
            let told = told(host, wanted).unwrap();
            assert!(told.contains(said), "{told}");
        }
        for (host, wanted) in [
            ("s3.oss-cn-hangzhou.aliyuncs.com", KnownService::S3),
            ("s3.oss-cn-hangzhou.aliyuncs.com", KnownService::Oss),
            ("files.example.com", KnownService::Oss),
            ("aliyuncs.com.example.com", KnownService::Obs),
            ("127.0.0.1", KnownService::S3),
        ] {
            assert_eq!(told(host, wanted), None, "{host}");
        }
    }

    #[test]
    fn a_slip_in_a_region_or_a_domain_is_told_from_a_host_that_may_be_right() {
        for (host, said) in [
            (
                "oss-cn-hangzhuo.aliyuncs.com",
                "no such region: \"cn-hangzhuo\": did you mean \"oss-cn-hangzhou.aliyuncs.com\"?",
            ),
            (
                "oss-cn-hangzou-internal.aliyuncs.com",
                "did you mean \"oss-cn-hangzhou-internal.aliyuncs.com\"?",
            ),
            ("obs.cn-nort-4.myhuaweicloud.com", "did you mean \"obs.cn-north-4.myhuaweicloud.com\"?"),
            ("oms.cn-north4.myhuaweicloud.com", "did you mean \"oms.cn-north-4.myhuaweicloud.com\"?"),
            ("oss-mars-central-1.aliyuncs.com", "no such region: \"mars-central-1\": correct the region"),
            ("oss-cn-hangzhou.aliyunc.com", "probably \"oss-cn-hangzhou.aliyuncs.com\" is meant"),
            ("obs.cn-north-4.myhuaweiclod.com", "probably \"obs.cn-north-4.myhuaweicloud.com\" is meant"),
        ] {
            let told = slip(host).map(|invalid| invalid.to_string()).unwrap_or_default();
            assert!(told.contains(said), "{host}: {told}");
        }
        for host in [
            "oss-cn-hangzhou.aliyuncs.com",
            "oss-cn-hangzhou-internal.aliyuncs.com",
            "oss-accelerate.aliyuncs.com",
            "obs.eu-west-101.myhuaweicloud.eu",
            "files.example.com",
            "localhost",
            "127.0.0.1",
        ] {
            assert_eq!(slip(host), None, "{host}");
        }
    }
}
