//! Everything in which OSS and OBS differ, as data.

use std::borrow::Cow;

use http::HeaderName;

use crate::encoding;
use crate::names::{self, Names};

/// Which vendor's form of the protocol is spoken.
///
/// The two share one shape; everything that differs (names, signed parameters, how a key is signed) is data
/// behind this value, so there is one implementation of each operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Alibaba Cloud Object Storage Service.
    Oss,
    /// Huawei Cloud Object Storage Service, its native dialect (`Authorization: OBS …`, `x-obs-*`).
    Obs,
}

/// How the key enters the V1 canonicalized resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignedKey {
    Raw,
    Encoded,
}

/// What the date line of the V1 string to sign holds when the prefixed date header is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrefixedDate {
    Repeated,
    LeavesLineEmpty,
}

/// How a bucket named in the path is written when no key follows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum BucketPath {
    WithSlash,
    Bare,
}

/// Which listing operation pages through a bucket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listing {
    ContinuationToken,
    Marker,
}

/// Everything in which the dialects differ.
pub(crate) struct Profile {
    pub(crate) scheme: &'static str,
    pub(crate) header_prefix: &'static str,
    pub(crate) meta_prefix: &'static str,
    pub(crate) date_header: HeaderName,
    pub(crate) token_header: HeaderName,
    pub(crate) storage_class_header: HeaderName,
    pub(crate) version_id_header: HeaderName,
    pub(crate) request_id_header: HeaderName,
    pub(crate) names: &'static Names,
    /// Newest name first.
    pub(crate) crc64_headers: &'static [&'static str],
    /// The storage class of an object whose response names none.
    pub(crate) unnamed_storage_class: Option<&'static str>,
    /// Sorted. Parameters that begin with `header_prefix` are signed as well.
    pub(crate) sub_resources: &'static [&'static str],
    pub(crate) signed_key: SignedKey,
    pub(crate) prefixed_date: PrefixedDate,
    pub(crate) bucket_path: BucketPath,
    pub(crate) listing: Listing,
    pub(crate) access_key_param: &'static str,
    pub(crate) token_param: &'static str,
    pub(crate) max_key_bytes: usize,
    /// Added to the URLs of multi-delete and of the list of uploads, so that keys in the reply are
    /// percent-encoded.
    pub(crate) key_encoding: Option<(&'static str, &'static str)>,
}

impl Dialect {
    /// Whether names of user metadata may contain this byte. Header names are lower case.
    pub fn allows_in_metadata_name(self, byte: u8) -> bool {
        let more = self == Self::Obs && matches!(byte, b'_' | b'.');
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || more
    }

    pub(crate) fn profile(self) -> &'static Profile {
        match self {
            Self::Oss => &OSS,
            Self::Obs => &OBS,
        }
    }

    /// Longest key in bytes of UTF-8: 1023 on OSS, 1024 on OBS.
    pub fn max_key_bytes(self) -> usize {
        self.profile().max_key_bytes
    }

    /// How text of a content header is stored. OBS takes only ASCII: there, text that is more is
    /// percent-encoded, as Huawei's SDKs do, and comes back so.
    pub fn stored_text(self, text: &str) -> Cow<'_, str> {
        if self.encodes(text) { encoding::obs_header(text).into() } else { Cow::Borrowed(text) }
    }

    /// Whether text of a content header is stored percent-encoded.
    pub(crate) fn encodes(self, text: &str) -> bool {
        self == Self::Obs && !text.is_ascii()
    }

    pub(crate) fn signs_param(self, name: &str) -> bool {
        let profile = self.profile();
        name.starts_with(profile.header_prefix) || profile.sub_resources.binary_search(&name).is_ok()
    }
}

static OSS: Profile = Profile {
    scheme: "OSS",
    header_prefix: "x-oss-",
    meta_prefix: "x-oss-meta-",
    date_header: HeaderName::from_static("x-oss-date"),
    token_header: HeaderName::from_static("x-oss-security-token"),
    storage_class_header: HeaderName::from_static("x-oss-storage-class"),
    version_id_header: HeaderName::from_static("x-oss-version-id"),
    request_id_header: HeaderName::from_static("x-oss-request-id"),
    names: &names::OSS,
    crc64_headers: &["x-oss-hash-crc64ecma"],
    unnamed_storage_class: None,
    sub_resources: OSS_SUB_RESOURCES,
    signed_key: SignedKey::Raw,
    prefixed_date: PrefixedDate::Repeated,
    bucket_path: BucketPath::WithSlash,
    listing: Listing::ContinuationToken,
    access_key_param: "OSSAccessKeyId",
    token_param: "security-token",
    max_key_bytes: 1023,
    key_encoding: Some(("encoding-type", "url")),
};

static OBS: Profile = Profile {
    scheme: "OBS",
    header_prefix: "x-obs-",
    meta_prefix: "x-obs-meta-",
    date_header: HeaderName::from_static("x-obs-date"),
    token_header: HeaderName::from_static("x-obs-security-token"),
    storage_class_header: HeaderName::from_static("x-obs-storage-class"),
    version_id_header: HeaderName::from_static("x-obs-version-id"),
    request_id_header: HeaderName::from_static("x-obs-request-id"),
    names: &names::OBS,
    crc64_headers: &["x-obs-checksum-crc64ecma", "x-obs-hash-crc64ecma"],
    unnamed_storage_class: Some("STANDARD"),
    sub_resources: OBS_SUB_RESOURCES,
    signed_key: SignedKey::Encoded,
    prefixed_date: PrefixedDate::LeavesLineEmpty,
    bucket_path: BucketPath::Bare,
    listing: Listing::Marker,
    access_key_param: "AccessKeyId",
    token_param: "x-obs-security-token",
    max_key_bytes: 1024,
    // An unknown parameter is refused, and none is documented there for all clouds.
    key_encoding: None,
};

/// Union of what the official SDKs sign: those for Python (`oss2` 2.19.1, `alibabacloud-oss-v2` 1.4.1), Go
/// (v1) and Java.
#[rustfmt::skip]
const OSS_SUB_RESOURCES: &[&str] = &[
    "accessPoint", "accessPointConfigForObjectProcess", "accessPointForObjectProcess", "accessPointPolicy",
    "accessPointPolicyForObjectProcess", "acl", "append", "asyncFetch", "bucketArchiveDirectRead", "bucketInfo",
    "callback", "callback-var", "cleanRestoredObject", "cloudboxes", "cname", "comp", "continuation-token", "cors",
    "delete", "encryption", "endTime", "group", "httpsConfig", "img", "inventory", "inventoryId", "legalHold",
    "lifecycle", "link", "live", "location", "logging", "metaQuery", "objectInfo", "objectMeta", "objectWorm",
    "overwriteConfig", "partNumber", "policy", "policyStatus", "position", "processConfiguration",
    "publicAccessBlock", "qos", "qosInfo", "qosRequester", "redundancyTransition", "referer", "regionList",
    "regions", "replication", "replicationLocation", "replicationProgress", "requestPayment", "requesterQosInfo",
    "resourceGroup", "resourcePool", "resourcePoolBuckets", "resourcePoolInfo", "response-cache-control",
    "response-content-disposition", "response-content-encoding", "response-content-language",
    "response-content-type", "response-expires", "responseHeader", "restore", "retention", "rtc", "seal",
    "security-token", "sequential", "startTime", "stat", "status", "style", "styleName", "symlink", "tagging",
    "transferAcceleration", "udf", "udfApplication", "udfApplicationLog", "udfId", "udfImage", "udfImageDesc",
    "udfName", "uploadId", "uploads", "userDefinedLogFieldsConfig", "versionId", "versioning", "versions", "vip",
    "vod", "vpcip", "website", "withHashContext", "worm", "wormExtend", "wormId",
];

/// Union of the API reference and of what the official SDKs sign: those for Python (3.26.6), Node.js
/// (3.26.8), Go and Java. They compare names without regard to case; these are in the case in which they are
/// sent.
#[rustfmt::skip]
const OBS_SUB_RESOURCES: &[&str] = &[
    "CDNNotifyConfiguration", "acl", "append", "attname", "backtosource", "bucketStatus", "cors",
    "customdomain", "delete", "deletebucket", "directcoldaccess", "disPolicy", "encryption", "fileinterface",
    "getcontentsummary", "ignore-sign-in-query", "inventory", "length", "lifecycle", "listcontentsummary",
    "location", "logging", "metadata", "mirrorBackToSource", "mirrorrefresh", "modify",
    "multilistcontentsummary", "name", "notification", "object-lock", "obsalias", "obsbucketalias",
    "obscompresspolicy", "obsworkflowtriggerpolicy", "partNumber", "policy", "policyStatus", "position",
    "publicAccessBlock", "quota", "readAhead", "rename", "replication", "replication_progress",
    "requestPayment", "response-cache-control", "response-content-disposition", "response-content-encoding",
    "response-content-language", "response-content-type", "response-expires", "restore", "retention",
    "select", "select-type", "storageClass", "storagePolicy", "storageinfo", "symlink", "tagging", "torrent",
    "truncate", "uploadId", "uploads", "versionId", "versioning", "versions", "website", "x-image-process",
    "x-image-save-bucket", "x-image-save-object", "x-oss-process", "x-workflow-execution-state",
    "x-workflow-execution-type", "x-workflow-graph-name", "x-workflow-limit", "x-workflow-next-marker",
    "x-workflow-prefix", "x-workflow-start", "x-workflow-template-name",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_resources_are_sorted_for_the_binary_search() {
        assert!(OSS_SUB_RESOURCES.is_sorted());
        assert!(OBS_SUB_RESOURCES.is_sorted());
    }

    #[test]
    fn only_oss_signs_the_continuation_token_and_neither_signs_list_filters() {
        assert!(Dialect::Oss.signs_param("continuation-token"));
        assert!(!Dialect::Obs.signs_param("continuation-token"));
        for name in ["list-type", "prefix", "delimiter", "max-keys", "marker", "start-after", "encoding-type"]
        {
            assert!(!Dialect::Oss.signs_param(name), "{name}");
            assert!(!Dialect::Obs.signs_param(name), "{name}");
        }
    }

    #[test]
    fn what_any_sdk_of_obs_signs_is_signed() {
        let of_python = [
            "disPolicy",
            "publicAccessBlock",
            "policyStatus",
            "bucketStatus",
            "x-oss-process",
            "x-workflow-limit",
        ];
        let of_java = [
            "fileinterface",
            "getcontentsummary",
            "mirrorrefresh",
            "readAhead",
            "replication_progress",
            "select-type",
        ];
        for name in of_python.into_iter().chain(of_java).chain(["ignore-sign-in-query"]) {
            assert!(Dialect::Obs.signs_param(name), "{name}");
        }
    }

    #[test]
    fn every_parameter_with_the_vendor_prefix_is_signed() {
        assert!(Dialect::Oss.signs_param("x-oss-process"));
        assert!(Dialect::Obs.signs_param("x-obs-anything"));
    }
}
