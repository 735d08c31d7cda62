//! Which permissions an operation needs.
//!
//! OSS: <https://www.alibabacloud.com/help/en/oss/user-guide/authorization-syntax-and-elements>, and the
//! table "Permissions" of the page of each operation. OBS:
//! <https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0111.html> (buckets) and
//! <https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0112.html> (objects). OMS:
//! <https://support.huaweicloud.com/intl/en-us/api-oms/oms_api_8003.html>.
//!
//! Most actions are called as their operation is; the tables have the others.

use http::HeaderMap;

use super::carries;
use crate::dialect::Dialect;

/// An action on a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) action: String,
    pub(crate) resource: String,
}

/// What a request is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) operation: &'static str,
    pub(crate) region: &'a str,
    pub(crate) bucket: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    /// Bucket and key that a copy reads.
    pub(crate) source: Option<(&'a str, &'a str)>,
    pub(crate) headers: &'a HeaderMap,
}

/// The account that owns everything in a twin, as resources name it.
const OWNER: &str = "1000000000000001";

impl Subject<'_> {
    fn needs(&self, action: &str, bucket: Option<&str>, key: Option<&str>) -> Need {
        let resource = match (self.dialect, bucket, key) {
            (Dialect::Oss, Some(bucket), Some(key)) => {
                format!("acs:oss:{}:{OWNER}:{bucket}/{key}", self.region)
            }
            (Dialect::Oss, bucket, _) => {
                format!("acs:oss:{}:{OWNER}:{}", self.region, bucket.unwrap_or("*"))
            }
            (Dialect::Obs, Some(bucket), Some(key)) => {
                format!("obs:{}:{OWNER}:object:{bucket}/{key}", self.region)
            }
            (Dialect::Obs, bucket, _) => {
                format!("obs:{}:{OWNER}:bucket:{}", self.region, bucket.unwrap_or("*"))
            }
        };
        let action = match self.dialect {
            Dialect::Oss => format!("oss:{action}"),
            Dialect::Obs if key.is_some() => format!("obs:object:{action}"),
            Dialect::Obs => format!("obs:bucket:{action}"),
        };
        Need { action, resource }
    }

    fn on_object(&self, action: &str) -> Need {
        self.needs(action, self.bucket, Some(self.key.unwrap_or_default()))
    }

    fn on_bucket(&self, action: &str) -> Need {
        self.needs(action, self.bucket, None)
    }

    fn on_source(&self, action: &str) -> Option<Need> {
        self.source.map(|(bucket, key)| self.needs(action, Some(bucket), Some(key)))
    }

    /// That of writing an object, with what its headers ask for besides.
    fn write(&self) -> Vec<Need> {
        let mut needs = vec![self.on_object("PutObject")];
        let prefix = match self.dialect {
            Dialect::Oss => "x-oss-",
            Dialect::Obs => "x-obs-",
        };
        if carries(self.headers, &format!("{prefix}tagging")) {
            needs.push(self.on_object("PutObjectTagging"));
        }
        if carries(self.headers, if self.dialect == Dialect::Oss { "x-oss-object-acl" } else { "x-obs-acl" })
        {
            needs.push(self.on_object("PutObjectAcl"));
        }
        needs
    }
}

/// What an operation of OSS or OBS needs. Of `DeleteMultipleObjects`, whose keys are in its body, see
/// [`deletion`].
pub(crate) fn of_object_service(subject: &Subject<'_>) -> Vec<Need> {
    let (is_oss, name) = (subject.dialect == Dialect::Oss, subject.operation);
    match name {
        // Needs no permission, or is checked later when more is known.
        "OptionObject" | "GetCallbackKey" | "DeleteMultipleObjects" | "Unknown" => Vec::new(),
        "GetObject" | "HeadObject" | "GetObjectMeta" | "GetSymlink" => vec![subject.on_object("GetObject")],
        "PutObject" | "PostObject" | "AppendObject" | "PutSymlink" | "InitiateMultipartUpload" => {
            subject.write()
        }
        "UploadPart" | "CompleteMultipartUpload" => vec![subject.on_object("PutObject")],
        "CopyObject" => {
            let mut needs: Vec<_> = subject.on_source("GetObject").into_iter().collect();
            needs.extend(subject.write());
            needs
        }
        "UploadPartCopy" => {
            let mut needs: Vec<_> = subject.on_source("GetObject").into_iter().collect();
            needs.push(subject.on_object("PutObject"));
            needs
        }
        "ListParts" if !is_oss => vec![subject.on_object("ListMultipartUploadParts")],
        "SetObjectMetadata" if !is_oss => vec![subject.on_object("ModifyObjectMetaData")],
        "ListBuckets" if !is_oss => vec![subject.on_bucket("ListAllMyBuckets")],
        "PutBucket" if !is_oss => vec![subject.on_bucket("CreateBucket")],
        "HeadBucket" if is_oss => vec![subject.on_bucket("GetBucketInfo")],
        "ListObjects" if !is_oss => vec![subject.on_bucket("ListBucket")],
        "ListMultipartUploads" if !is_oss => vec![subject.on_bucket("ListBucketMultipartUploads")],
        "GetBucketLifecycle" if !is_oss => vec![subject.on_bucket("GetLifecycleConfiguration")],
        "PutBucketLifecycle" | "DeleteBucketLifecycle" if !is_oss => {
            vec![subject.on_bucket("PutLifecycleConfiguration")]
        }
        "GetBucketCors" if !is_oss => vec![subject.on_bucket("GetBucketCORS")],
        "PutBucketCors" | "DeleteBucketCors" if !is_oss => vec![subject.on_bucket("PutBucketCORS")],
        "GetBucketStorageInfo" => vec![subject.on_bucket("GetBucketStorage")],
        "GetBucketEncryption" if !is_oss => vec![subject.on_bucket("GetEncryptionConfiguration")],
        name if subject.key.is_some() => vec![subject.on_object(name)],
        name => vec![subject.on_bucket(name)],
    }
}

/// What deleting each of many objects needs.
pub(crate) fn deletion(subject: &Subject<'_>, keys: &[String]) -> Vec<Need> {
    keys.iter().map(|key| subject.needs("DeleteObject", subject.bucket, Some(key))).collect()
}

/// The permission to learn that an object is missing: a caller that may not list gets a 403 instead.
///
/// [S3](https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html) documents that. OSS and OBS say
/// neither this nor the contrary, so policies that suit this twin suit both.
pub(crate) fn listing(subject: &Subject<'_>) -> Need {
    subject.on_bucket(match subject.dialect {
        Dialect::Oss => "ListObjects",
        Dialect::Obs => "ListBucket",
    })
}

/// What an operation of OMS needs.
pub(crate) fn of_oms(operation: &str) -> Vec<Need> {
    let action = match operation {
        "CreateSyncEvents" => "createEvent",
        "ListSyncTasks" | "ListTasks" => "list",
        "ShowSyncTask" | "ShowTask" => "get",
        "ListSyncTaskStatistic" => "statistics",
        "StartSyncTask" | "StopSyncTask" => "update",
        "CreateTask" => "create",
        _ => return Vec::new(),
    };
    let kind = if operation.contains("Sync") { "synctask" } else { "task" };
    let resource = format!("oms:cn-north-4:{OWNER}:{kind}:*");
    vec![Need { action: format!("oms:{kind}:{action}"), resource }]
}
