//! The object services: one implementation, two dialects.

mod body;
mod bucket;
mod delete;
mod dialect;
pub(crate) mod get;
mod lifecycle;
mod list;
mod multipart;
mod put;

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;

pub(crate) use self::body::BodyError;
pub(crate) use self::dialect::{Dialect, HeaderPrefix};
use crate::auth::{self, Policy, SignedParts};
use crate::error::{ApiError, ErrorContext, Outcome, Reply};
use crate::faulted::Faulted;
use crate::faults::Probe;
use crate::server::{Aborted, Connection, drain};
use crate::state::Inner;
use crate::store::{Bucket, Store};
use crate::wire::{self, Plus, Query, Target};

/// One authenticated request.
pub(crate) struct Call<'a> {
    pub(crate) inner: &'a Inner,
    pub(crate) dialect: Dialect,
    pub(crate) prefix: HeaderPrefix,
    pub(crate) parts: &'a Parts,
    pub(crate) target: &'a Target,
    pub(crate) query: &'a Query,
    pub(crate) request_id: &'a str,
}

impl<'a> Call<'a> {
    pub(crate) fn store(&self) -> &'a Store {
        self.inner.store(self.dialect)
    }

    pub(crate) fn bucket_name(&self) -> &'a str {
        self.target.bucket.as_deref().unwrap_or_default()
    }

    pub(crate) fn bucket(&self) -> Outcome<Arc<Bucket>> {
        let name = self.bucket_name();
        self.store().bucket(name).ok_or_else(|| ApiError::no_such_bucket(name))
    }
}

/// The API operations, named as OSS names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    ListBuckets,
    PutBucket,
    DeleteBucket,
    HeadBucket,
    GetBucketInfo,
    GetBucketLocation,
    GetBucketVersioning,
    PutBucketLifecycle,
    GetBucketLifecycle,
    DeleteBucketLifecycle,
    ListObjects,
    DeleteMultipleObjects,
    PutObject,
    GetObject,
    HeadObject,
    GetObjectMeta,
    DeleteObject,
    InitiateMultipartUpload,
    UploadPart,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
    ListMultipartUploads,
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
];

impl Operation {
    fn of(dialect: Dialect, parts: &Parts, target: &Target, query: &Query) -> Self {
        match (&target.bucket, &target.key) {
            (None, _) if parts.method == Method::GET => Self::ListBuckets,
            (None, _) => Self::Unknown,
            (Some(_), None) => Self::of_bucket(dialect, &parts.method, query),
            (Some(_), Some(_)) => Self::of_object(parts, query),
        }
    }

    fn of_bucket(dialect: Dialect, method: &Method, query: &Query) -> Self {
        let sub_resource = query
            .iter()
            .find(|(name, value)| value.is_empty() && !LIST_PARAMETERS.contains(name))
            .map(|(name, _)| name);
        match (method.as_str(), sub_resource) {
            ("GET", None) => Self::ListObjects,
            ("GET", Some("bucketInfo")) if dialect == Dialect::Oss => Self::GetBucketInfo,
            ("GET", Some("location")) => Self::GetBucketLocation,
            ("GET", Some("versioning")) => Self::GetBucketVersioning,
            ("PUT", Some("lifecycle")) => Self::PutBucketLifecycle,
            ("GET", Some("lifecycle")) => Self::GetBucketLifecycle,
            ("DELETE", Some("lifecycle")) => Self::DeleteBucketLifecycle,
            ("GET", Some("uploads")) => Self::ListMultipartUploads,
            ("PUT", None) => Self::PutBucket,
            ("DELETE", None) => Self::DeleteBucket,
            ("HEAD", None) => Self::HeadBucket,
            ("POST", Some("delete")) => Self::DeleteMultipleObjects,
            _ => Self::Unknown,
        }
    }

    fn of_object(parts: &Parts, query: &Query) -> Self {
        if query.get("versionId").is_some_and(|version| version != "null") {
            return Self::Unknown;
        }
        let copies = parts.headers.keys().any(|name| name.as_str().ends_with("-copy-source"));
        let flag = query.iter().find(|(_, value)| value.is_empty()).map(|(name, _)| name);
        match (parts.method.as_str(), flag, query.has("uploadId")) {
            ("GET", None, false) => Self::GetObject,
            ("HEAD", None, false) => Self::HeadObject,
            ("HEAD", Some("objectMeta"), false) => Self::GetObjectMeta,
            ("PUT", None, false) if !copies => Self::PutObject,
            ("DELETE", None, false) => Self::DeleteObject,
            ("POST", Some("uploads"), false) => Self::InitiateMultipartUpload,
            ("PUT", None, true) if !copies && query.has("partNumber") => Self::UploadPart,
            ("POST", None, true) => Self::CompleteMultipartUpload,
            ("DELETE", None, true) => Self::AbortMultipartUpload,
            ("GET", None, true) => Self::ListParts,
            _ => Self::Unknown,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::ListBuckets => "ListBuckets",
            Self::PutBucket => "PutBucket",
            Self::DeleteBucket => "DeleteBucket",
            Self::HeadBucket => "HeadBucket",
            Self::GetBucketInfo => "GetBucketInfo",
            Self::GetBucketLocation => "GetBucketLocation",
            Self::GetBucketVersioning => "GetBucketVersioning",
            Self::PutBucketLifecycle => "PutBucketLifecycle",
            Self::GetBucketLifecycle => "GetBucketLifecycle",
            Self::DeleteBucketLifecycle => "DeleteBucketLifecycle",
            Self::ListObjects => "ListObjects",
            Self::DeleteMultipleObjects => "DeleteMultipleObjects",
            Self::PutObject => "PutObject",
            Self::GetObject => "GetObject",
            Self::HeadObject => "HeadObject",
            Self::GetObjectMeta => "GetObjectMeta",
            Self::DeleteObject => "DeleteObject",
            Self::InitiateMultipartUpload => "InitiateMultipartUpload",
            Self::UploadPart => "UploadPart",
            Self::CompleteMultipartUpload => "CompleteMultipartUpload",
            Self::AbortMultipartUpload => "AbortMultipartUpload",
            Self::ListParts => "ListParts",
            Self::ListMultipartUploads => "ListMultipartUploads",
            Self::Unknown => "Unknown",
        }
    }
}

/// Answers one request to OSS or OBS.
pub(crate) async fn handle(
    inner: &Inner,
    dialect: Dialect,
    connection: &Connection,
    request: Request<Incoming>,
) -> Result<Reply, Aborted> {
    let (parts, body) = request.into_parts();
    let request_id = inner.request_id(dialect.service());
    let host = wire::header(&parts.headers, "host");
    let mut context = ErrorContext {
        dialect,
        prefix: HeaderPrefix::of(dialect),
        method: &parts.method,
        resource: parts.uri.path(),
        host: &host,
        request_id: &request_id,
    };
    let parsed = Target::parse(dialect, &host, parts.uri.path(), &inner.config.custom_domains)
        .and_then(|target| Ok((target, Query::parse(parts.uri.query().unwrap_or_default(), Plus::Space)?)));
    let Ok((target, query)) = parsed else {
        let error = ApiError::bad_request("InvalidURI", "Couldn't parse the specified URI.");
        return Ok(finish(inner, &context, Operation::Unknown, error.into_reply(&context)));
    };
    let operation = Operation::of(dialect, &parts, &target, &query);
    let fault = match meet_fault(inner, dialect, connection, &parts, &target).await {
        Ok(fault) => fault,
        Err(aborted) => {
            inner.counters.request(dialect.service(), operation.name(), None);
            return Err(aborted);
        }
    };
    let reply = if let Faulted::Instead(response) = &fault {
        drain(body).await;
        response.object_reply(&context)
    } else {
        let mut call = Call {
            inner,
            dialect,
            prefix: context.prefix,
            parts: &parts,
            target: &target,
            query: &query,
            request_id: &request_id,
        };
        let outcome = answer(&mut call, operation, body).await;
        context.prefix = call.prefix;
        match outcome {
            Ok(reply) => reply,
            Err(BodyError::Refused(error)) => {
                if error.is_bad_signature() {
                    inner.counters.bad_signature(dialect.service());
                }
                error.into_reply(&context)
            }
            Err(BodyError::Aborted) => {
                inner.counters.request(dialect.service(), operation.name(), None);
                return Err(Aborted);
            }
        }
    };
    let reply = fault.after(connection, reply, |response| response.object_reply(&context));
    Ok(finish(inner, &context, operation, reply))
}

async fn meet_fault(
    inner: &Inner,
    dialect: Dialect,
    connection: &Connection,
    parts: &Parts,
    target: &Target,
) -> Result<Faulted, Aborted> {
    if inner.faults.is_empty() {
        return Ok(Faulted::No);
    }
    let keys: Vec<_> = target.key.iter().cloned().collect();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let probe = Probe { service: dialect.service(), method: parts.method.as_str(), path, keys: &keys };
    Faulted::meet(inner.pick_fault(&probe), connection).await
}

/// Authenticates the caller, then does the work.
async fn answer(call: &mut Call<'_>, operation: Operation, body: Incoming) -> Result<Reply, BodyError> {
    // The SDKs of OBS ask for the dialect before they sign anything.
    if call.dialect == Dialect::Obs && call.parts.method == Method::HEAD && call.query.has("apiversion") {
        // Before a bucket is created there is only the service to ask.
        if call.target.bucket.is_some() {
            call.bucket()?;
        }
        let mut reply = Response::new(Full::default());
        bucket::api_version(reply.headers_mut());
        return Ok(reply);
    }
    let config = &call.inner.config;
    let accounts = match call.dialect {
        Dialect::Oss => &config.oss_accounts,
        Dialect::Obs => &config.huawei_accounts,
    };
    let policy = Policy { accounts, region: &config.region, v1: config.signature_v1, now: call.inner.now() };
    let signed = SignedParts {
        method: &call.parts.method,
        raw_path: call.parts.uri.path(),
        target: call.target,
        query: call.query,
        headers: &call.parts.headers,
    };
    match auth::verify(call.dialect, signed, policy, &call.inner.signing_keys) {
        Ok(prefix) => call.prefix = prefix,
        Err(error) => {
            drain(body).await;
            return Err(error.into());
        }
    }
    dispatch(call, operation, body).await
}

async fn dispatch(call: &Call<'_>, operation: Operation, body: Incoming) -> Result<Reply, BodyError> {
    let key = call.target.key.as_deref().unwrap_or_default();
    match operation {
        Operation::PutObject => return put::put_object(call, key, body).await,
        Operation::UploadPart => return multipart::upload_part(call, key, body).await,
        Operation::CompleteMultipartUpload => return multipart::complete(call, key, body).await,
        Operation::PutBucketLifecycle => return lifecycle::put(call, body).await,
        Operation::DeleteMultipleObjects => return delete::delete_objects(call, body).await,
        _ => drain(body).await,
    }
    let outcome = match operation {
        Operation::ListBuckets => bucket::list_buckets(call),
        Operation::PutBucket => bucket::put_bucket(call),
        Operation::DeleteBucket => bucket::delete_bucket(call),
        Operation::HeadBucket => bucket::head_bucket(call),
        Operation::GetBucketInfo => bucket::bucket_info(call),
        Operation::GetBucketLocation => bucket::bucket_location(call),
        Operation::GetBucketVersioning => bucket::bucket_versioning(call),
        Operation::GetBucketLifecycle => lifecycle::get(call),
        Operation::DeleteBucketLifecycle => lifecycle::delete(call),
        Operation::ListObjects => list::list_objects(call),
        Operation::GetObject | Operation::HeadObject => get::get_object(call, key),
        Operation::GetObjectMeta => get::object_meta(call, key),
        Operation::DeleteObject => delete::delete_object(call, key),
        Operation::InitiateMultipartUpload => multipart::initiate(call, key),
        Operation::AbortMultipartUpload => multipart::abort(call, key),
        Operation::ListParts => multipart::list_parts(call, key),
        Operation::ListMultipartUploads => multipart::list_uploads(call),
        _ => Err(ApiError::not_implemented()),
    };
    Ok(outcome?)
}

/// Headers that every answer has, and the counters.
fn finish(inner: &Inner, context: &ErrorContext<'_>, operation: Operation, mut reply: Reply) -> Reply {
    let dialect = context.dialect;
    inner.counters.request(dialect.service(), operation.name(), Some(reply.status()));
    inner.changed();
    let headers: &mut HeaderMap = reply.headers_mut();
    crate::error::insert_text(headers, context.prefix.name("request-id"), context.request_id);
    match dialect {
        Dialect::Oss => {
            headers.insert("x-oss-server-time", http::HeaderValue::from_static("1"));
        }
        Dialect::Obs => crate::error::insert_text(headers, context.prefix.name("id-2"), context.request_id),
    }
    headers.insert(http::header::SERVER, http::HeaderValue::from_static(dialect.server()));
    headers.insert(http::header::DATE, inner.http_date());
    reply
}
