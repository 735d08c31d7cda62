//! Which operation a request asks for.

use http::Method;
use http::request::Parts;

use crate::callback::KEY_HOST;
use crate::dialect::Dialect;
use crate::wire::{self, Query, Target};

/// The API operations, named as OSS names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    ListBuckets,
    PutBucket,
    DeleteBucket,
    HeadBucket,
    GetBucketInfo,
    GetBucketLocation,
    GetBucketVersioning,
    GetBucketStat,
    GetBucketStorageInfo,
    GetBucketEncryption,
    GetBucketTagging,
    GetBucketWebsite,
    GetBucketReplication,
    PutBucketLifecycle,
    GetBucketLifecycle,
    DeleteBucketLifecycle,
    PutBucketCors,
    GetBucketCors,
    DeleteBucketCors,
    OptionObject,
    ListObjects,
    DeleteMultipleObjects,
    PutObject,
    AppendObject,
    PostObject,
    CopyObject,
    PutSymlink,
    GetSymlink,
    PutObjectTagging,
    GetObjectTagging,
    DeleteObjectTagging,
    PutObjectAcl,
    GetObjectAcl,
    SetObjectMetadata,
    RestoreObject,
    GetObject,
    HeadObject,
    GetObjectMeta,
    DeleteObject,
    InitiateMultipartUpload,
    UploadPart,
    UploadPartCopy,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
    ListMultipartUploads,
    /// No operation of OSS: the public key of callbacks, at an address of its own.
    GetCallbackKey,
    Unknown,
}

/// Query parameters of listings; any other one without a value names a sub-resource.
const LIST_PARAMETERS: &[&str] = &[
    "prefix",
    "delimiter",
    "marker",
    "max-keys",
    "encoding-type",
    "list-type",
    "start-after",
    "continuation-token",
    "fetch-owner",
    "key-marker",
    "upload-id-marker",
    "max-uploads",
    "part-number-marker",
    "max-parts",
];

impl Operation {
    pub(super) fn of(dialect: Dialect, parts: &Parts, target: &Target, query: &Query) -> Self {
        let host = wire::header(&parts.headers, "host");
        if dialect == Dialect::Oss && wire::without_port(&host).eq_ignore_ascii_case(KEY_HOST) {
            return Self::GetCallbackKey;
        }
        match (&target.bucket, &target.key) {
            (None, _) if parts.method == Method::GET => Self::ListBuckets,
            (None, _) => Self::Unknown,
            (Some(_), _) if parts.method == Method::OPTIONS => Self::OptionObject,
            (Some(_), None) => Self::of_bucket(dialect, &parts.method, query),
            (Some(_), Some(_)) => Self::of_object(dialect, parts, query),
        }
    }

    fn of_bucket(dialect: Dialect, method: &Method, query: &Query) -> Self {
        match (method.as_str(), sub_resource(query)) {
            ("GET", None) => Self::ListObjects,
            ("GET", Some("bucketInfo")) if dialect == Dialect::Oss => Self::GetBucketInfo,
            ("GET", Some("location")) => Self::GetBucketLocation,
            ("GET", Some("versioning")) => Self::GetBucketVersioning,
            ("GET", Some("stat")) if dialect == Dialect::Oss => Self::GetBucketStat,
            ("GET", Some("storageinfo")) if dialect == Dialect::Obs => Self::GetBucketStorageInfo,
            ("GET", Some("encryption")) => Self::GetBucketEncryption,
            ("GET", Some("tagging")) if dialect == Dialect::Obs => Self::GetBucketTagging,
            ("GET", Some("website")) => Self::GetBucketWebsite,
            ("GET", Some("replication")) => Self::GetBucketReplication,
            ("PUT", Some("lifecycle")) => Self::PutBucketLifecycle,
            ("GET", Some("lifecycle")) => Self::GetBucketLifecycle,
            ("DELETE", Some("lifecycle")) => Self::DeleteBucketLifecycle,
            ("PUT", Some("cors")) => Self::PutBucketCors,
            ("GET", Some("cors")) => Self::GetBucketCors,
            ("DELETE", Some("cors")) => Self::DeleteBucketCors,
            ("POST", None) if dialect == Dialect::Oss => Self::PostObject,
            ("GET", Some("uploads")) => Self::ListMultipartUploads,
            ("PUT", None) => Self::PutBucket,
            ("DELETE", None) => Self::DeleteBucket,
            ("HEAD", None) => Self::HeadBucket,
            ("POST", Some("delete")) => Self::DeleteMultipleObjects,
            _ => Self::Unknown,
        }
    }

    fn of_object(dialect: Dialect, parts: &Parts, query: &Query) -> Self {
        if query.get("versionId").is_some_and(|version| version != "null") {
            return Self::Unknown;
        }
        let copies = parts.headers.keys().any(|name| name.as_str().ends_with("-copy-source"));
        match (parts.method.as_str(), sub_resource(query), query.has("uploadId")) {
            ("GET", None, false) => Self::GetObject,
            ("HEAD", None, false) => Self::HeadObject,
            ("HEAD", Some("objectMeta"), false) => Self::GetObjectMeta,
            ("GET", Some("acl"), false) => Self::GetObjectAcl,
            ("PUT", Some("acl"), false) => Self::PutObjectAcl,
            ("GET", Some("tagging"), false) => Self::GetObjectTagging,
            ("PUT", Some("tagging"), false) => Self::PutObjectTagging,
            ("DELETE", Some("tagging"), false) => Self::DeleteObjectTagging,
            ("PUT", Some("metadata"), false) if dialect == Dialect::Obs => Self::SetObjectMetadata,
            ("POST", Some("append"), false) => Self::AppendObject,
            ("POST", Some("restore"), false) => Self::RestoreObject,
            ("GET", Some("symlink"), false) if dialect == Dialect::Oss => Self::GetSymlink,
            ("PUT", Some("symlink"), false) if dialect == Dialect::Oss => Self::PutSymlink,
            ("PUT", None, false) if copies => Self::CopyObject,
            ("PUT", None, false) => Self::PutObject,
            ("DELETE", None, false) => Self::DeleteObject,
            ("POST", Some("uploads"), false) => Self::InitiateMultipartUpload,
            ("PUT", None, true) if copies && query.has("partNumber") => Self::UploadPartCopy,
            ("PUT", None, true) if query.has("partNumber") => Self::UploadPart,
            ("POST", None, true) => Self::CompleteMultipartUpload,
            ("DELETE", None, true) => Self::AbortMultipartUpload,
            ("GET", None, true) => Self::ListParts,
            _ => Self::Unknown,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::ListBuckets => "ListBuckets",
            Self::PutBucket => "PutBucket",
            Self::DeleteBucket => "DeleteBucket",
            Self::HeadBucket => "HeadBucket",
            Self::GetBucketInfo => "GetBucketInfo",
            Self::GetBucketLocation => "GetBucketLocation",
            Self::GetBucketVersioning => "GetBucketVersioning",
            Self::GetBucketStat => "GetBucketStat",
            Self::GetBucketStorageInfo => "GetBucketStorageInfo",
            Self::GetBucketEncryption => "GetBucketEncryption",
            Self::GetBucketTagging => "GetBucketTagging",
            Self::GetBucketWebsite => "GetBucketWebsite",
            Self::GetBucketReplication => "GetBucketReplication",
            Self::PutBucketLifecycle => "PutBucketLifecycle",
            Self::GetBucketLifecycle => "GetBucketLifecycle",
            Self::DeleteBucketLifecycle => "DeleteBucketLifecycle",
            Self::PutBucketCors => "PutBucketCors",
            Self::GetBucketCors => "GetBucketCors",
            Self::DeleteBucketCors => "DeleteBucketCors",
            Self::OptionObject => "OptionObject",
            Self::ListObjects => "ListObjects",
            Self::DeleteMultipleObjects => "DeleteMultipleObjects",
            Self::PutObject => "PutObject",
            Self::AppendObject => "AppendObject",
            Self::PostObject => "PostObject",
            Self::CopyObject => "CopyObject",
            Self::PutSymlink => "PutSymlink",
            Self::GetSymlink => "GetSymlink",
            Self::PutObjectTagging => "PutObjectTagging",
            Self::GetObjectTagging => "GetObjectTagging",
            Self::DeleteObjectTagging => "DeleteObjectTagging",
            Self::PutObjectAcl => "PutObjectAcl",
            Self::GetObjectAcl => "GetObjectAcl",
            Self::SetObjectMetadata => "SetObjectMetadata",
            Self::RestoreObject => "RestoreObject",
            Self::GetObject => "GetObject",
            Self::HeadObject => "HeadObject",
            Self::GetObjectMeta => "GetObjectMeta",
            Self::DeleteObject => "DeleteObject",
            Self::InitiateMultipartUpload => "InitiateMultipartUpload",
            Self::UploadPart => "UploadPart",
            Self::UploadPartCopy => "UploadPartCopy",
            Self::CompleteMultipartUpload => "CompleteMultipartUpload",
            Self::AbortMultipartUpload => "AbortMultipartUpload",
            Self::ListParts => "ListParts",
            Self::ListMultipartUploads => "ListMultipartUploads",
            Self::GetCallbackKey => "GetCallbackKey",
            Self::Unknown => "Unknown",
        }
    }
}

fn sub_resource(query: &Query) -> Option<&str> {
    let mut flags = query.iter().filter(|(name, value)| value.is_empty() && !LIST_PARAMETERS.contains(name));
    flags.next().map(|(name, _)| name)
}
