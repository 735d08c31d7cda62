//! Operations on buckets and on the service.

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::Call;
use super::reply::xml_reply;
use crate::body::ReplyBody;
use crate::dialect::Dialect;
use crate::error::{ApiError, Outcome};
use crate::reply::{Reply, insert_text};
use crate::store::BucketRemoval;
use crate::xml::Document;

/// Region of the OBS buckets.
const OBS_REGION: &str = "cn-north-4";

pub(super) fn list_buckets(call: &Call<'_>) -> Outcome<Reply> {
    if call.target.bucket.is_some() {
        return Err(ApiError::not_implemented());
    }
    let prefix = call.query.get("prefix").unwrap_or_default();
    let mut xml = Document::new("ListAllMyBucketsResult", call.dialect.namespace());
    owner(call, &mut xml);
    xml.group("Buckets", |buckets| {
        for (name, created) in call.store().list().into_iter().filter(|(name, _)| name.starts_with(prefix)) {
            buckets.group("Bucket", |bucket| {
                bucket
                    .leaf("Name", &name)
                    .leaf("CreationDate", &call.dialect.time(created))
                    .leaf("Location", &location(call));
                if call.dialect == Dialect::Oss {
                    let endpoints = Endpoints::of(call);
                    bucket
                        .leaf("ExtranetEndpoint", &endpoints.public)
                        .leaf("IntranetEndpoint", &endpoints.internal)
                        .leaf("Region", &call.cloud.config.region)
                        .leaf("StorageClass", "Standard");
                }
            });
        }
    });
    Ok(xml_reply(xml.finish()))
}

pub(super) fn put_bucket(call: &Call<'_>) -> Outcome<Reply> {
    let name = call.bucket_name();
    if !call.dialect.is_bucket_name(name) {
        return Err(ApiError::bad_request("InvalidBucketName", "The specified bucket is not valid.")
            .detail("BucketName", name));
    }
    call.store().create(name, call.cloud.now());
    let mut reply = Response::new(ReplyBody::default());
    insert_text(reply.headers_mut(), header::LOCATION, &format!("/{name}"));
    Ok(reply)
}

pub(super) fn delete_bucket(call: &Call<'_>) -> Outcome<Reply> {
    let name = call.bucket_name();
    match call.store().remove(name) {
        BucketRemoval::Removed => {
            let mut reply = Response::new(ReplyBody::default());
            *reply.status_mut() = StatusCode::NO_CONTENT;
            Ok(reply)
        }
        BucketRemoval::Missing => Err(ApiError::no_such_bucket(name)),
        BucketRemoval::NotEmpty => Err(ApiError::new(
            StatusCode::CONFLICT,
            "BucketNotEmpty",
            "The bucket has objects. Please delete them first.",
        )
        .ec("0015-00000301")
        .detail("BucketName", name)),
    }
}

pub(super) fn head_bucket(call: &Call<'_>) -> Outcome<Reply> {
    call.bucket()?;
    let mut reply = Response::new(ReplyBody::default());
    let headers = reply.headers_mut();
    match call.dialect {
        Dialect::Oss => insert_text(headers, call.prefix.name("bucket-region"), &call.cloud.config.region),
        Dialect::Obs => obs_bucket_headers(call, headers),
    }
    Ok(reply)
}

fn obs_bucket_headers(call: &Call<'_>, headers: &mut HeaderMap) {
    insert_text(headers, call.prefix.name("bucket-location"), OBS_REGION);
    insert_text(headers, call.prefix.name("storage-class"), "STANDARD");
    api_version(headers);
}

/// Tells that the bucket speaks the OBS dialect.
pub(super) fn api_version(headers: &mut HeaderMap) {
    headers.insert("x-obs-api", HeaderValue::from_static("3.0"));
}

pub(super) fn bucket_location(call: &Call<'_>) -> Outcome<Reply> {
    call.bucket()?;
    let root = match call.dialect {
        Dialect::Oss => "LocationConstraint",
        Dialect::Obs => "Location",
    };
    let mut xml = Document::new(root, call.dialect.namespace());
    xml.text(&location(call));
    Ok(xml_reply(xml.finish()))
}

/// No bucket here keeps versions.
pub(super) fn bucket_versioning(call: &Call<'_>) -> Outcome<Reply> {
    call.bucket()?;
    Ok(xml_reply(Document::new("VersioningConfiguration", call.dialect.namespace()).finish()))
}

pub(super) fn bucket_info(call: &Call<'_>) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    let endpoints = Endpoints::of(call);
    let mut xml = Document::new("BucketInfo", None);
    xml.group("Bucket", |xml| {
        xml.leaf("AccessMonitor", "Disabled")
            .leaf("Comment", "")
            .leaf("CreationDate", &call.dialect.time(bucket.created))
            .leaf("CrossRegionReplication", "Disabled")
            .leaf("DataRedundancyType", "LRS")
            .leaf("ExtranetEndpoint", &endpoints.public)
            .leaf("IntranetEndpoint", &endpoints.internal)
            .leaf("Location", &location(call))
            .leaf("Name", call.bucket_name())
            .leaf("StorageClass", "Standard")
            .leaf("TransferAcceleration", "Disabled");
        owner(call, xml);
        xml.group("AccessControlList", |acl| {
            acl.leaf("Grant", "private");
        });
        xml.group("ServerSideEncryptionRule", |rule| {
            rule.leaf("SSEAlgorithm", "None");
        });
        xml.group("BucketPolicy", |policy| {
            policy.leaf("LogBucket", "").leaf("LogPrefix", "");
        });
    });
    Ok(xml_reply(xml.finish()))
}

pub(super) fn owner(call: &Call<'_>, xml: &mut Document) {
    let id = call.cloud.config.function.account_id.as_str();
    xml.group("Owner", |owner| {
        owner.leaf("ID", id).leaf("DisplayName", id);
    });
}

fn location(call: &Call<'_>) -> String {
    match call.dialect {
        Dialect::Oss => format!("oss-{}", call.cloud.config.region),
        Dialect::Obs => OBS_REGION.to_owned(),
    }
}

struct Endpoints {
    public: String,
    internal: String,
}

impl Endpoints {
    fn of(call: &Call<'_>) -> Self {
        let location = location(call);
        Self {
            public: format!("{location}.aliyuncs.com"),
            internal: format!("{location}-internal.aliyuncs.com"),
        }
    }
}
