//! The object services: one implementation, two dialects.

mod append;
mod archive;
mod attributes;
mod body;
mod bucket;
mod callbacks;
mod conditions;
mod copy;
mod cors;
mod delete;
mod get;
mod headers_kept;
mod lifecycle;
mod list;
mod metadata;
mod multipart;
mod operation;
mod permission;
mod post;
mod process;
mod put;
mod range;
mod reply;
mod stat;
mod unset;
mod uploads;
mod write;

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Method, Request, Response};
use http_listener::Body;
use md5::{Digest as _, Md5};

use self::body::BodyError;
use self::operation::Operation;
use self::range::RangeHeader;
use crate::auth::{self, AuthRules, SignedParts};
use crate::body::{ReplyBody, RequestBody};
use crate::cloud::Cloud;
use crate::config::{ObsCrc64, ObsEncryption};
use crate::connection::{Aborted, Connection};
use crate::dialect::{Dialect, HeaderPrefix};
use crate::error::{ApiError, ErrorContext, Outcome};
use crate::faulted::{Faulted, FirstChange};
use crate::faults::{FaultResponse, Probe, Stage};
use crate::handle::Objects;
use crate::reply::{Reply, insert_text};
use crate::store::{Bucket, Store};
use crate::wire::{self, Plus, Query, Target};

/// One authenticated request.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) cloud: &'a Cloud,
    pub(crate) dialect: Dialect,
    pub(crate) prefix: HeaderPrefix,
    pub(crate) parts: &'a Parts,
    pub(crate) target: &'a Target,
    pub(crate) query: &'a Query,
    pub(crate) request_id: &'a str,
    range_header: RangeHeader,
}

impl<'a> Call<'a> {
    pub(crate) fn store(&self) -> &'a Store {
        self.cloud.store(self.dialect)
    }

    pub(crate) fn bucket_name(&self) -> &'a str {
        self.target.bucket.as_deref().unwrap_or_default()
    }

    pub(crate) fn bucket(&self) -> Outcome<Arc<Bucket>> {
        let name = self.bucket_name();
        self.store().bucket(name).ok_or_else(|| ApiError::no_such_bucket(name))
    }

    /// A CRC-64 as far as the service shows any.
    fn shown_crc(&self, crc64: Option<u64>) -> Option<u64> {
        let hidden = self.dialect == Dialect::Obs && self.cloud.config.obs_crc64 == ObsCrc64::Absent;
        crc64.filter(|_| !hidden)
    }

    /// Method by which new objects and parts are encrypted, if they are.
    fn encryption(&self) -> Option<&'static str> {
        let encrypts = self.dialect == Dialect::Obs && self.cloud.config.obs_encryption == ObsEncryption::Kms;
        encrypts.then_some("kms")
    }

    /// The `ETag` of bytes that are stored now: their MD5, unless they are encrypted. Then it is another one
    /// each time.
    fn new_etag(&self, md5: &[u8; 16]) -> String {
        if self.encryption().is_none() {
            return self.dialect.etag(md5);
        }
        let digest = Md5::new().chain_update(md5).chain_update(self.request_id).finalize();
        self.dialect.etag(&digest.into())
    }
}

/// Answers one request to OSS or OBS.
pub(crate) async fn handle(
    cloud: &Cloud,
    dialect: Dialect,
    connection: &Connection,
    request: Request<Body>,
) -> Result<Reply, Aborted> {
    let (parts, body) = request.into_parts();
    let mut body = RequestBody::new(body);
    let request_id = cloud.request_id(dialect.service());
    let host = wire::header(&parts.headers, "host");
    let mut context = ErrorContext {
        dialect,
        prefix: HeaderPrefix::of(dialect),
        method: &parts.method,
        resource: parts.uri.path(),
        host: &host,
        request_id: &request_id,
    };
    let parsed = Target::parse(dialect, &host, parts.uri.path(), &cloud.config.custom_domains)
        .and_then(|target| Ok((target, Query::parse(parts.uri.query().unwrap_or_default(), Plus::Space)?)));
    let Ok((target, query)) = parsed else {
        let error = ApiError::bad_request("InvalidURI", "Couldn't parse the specified URI.");
        return Ok(finish(cloud, &context, Operation::Unknown, error.into_reply(&context)));
    };
    let operation = Operation::of(dialect, &parts, &target, &query);
    let fault = match meet_fault(cloud, dialect, connection, &parts, &target, &mut body).await {
        Ok(fault) => fault,
        Err(aborted) => {
            cloud.counters.request(dialect.service(), operation.name(), None);
            return Err(aborted);
        }
    };
    if let Faulted::Proxy(response) = &fault {
        body.drain().await;
        return Ok(response.proxy_reply());
    }
    let reply = if let Faulted::Instead(response) = &fault {
        body.drain().await;
        instead(response, &context)
    } else {
        let mut call = Call {
            cloud,
            dialect,
            prefix: context.prefix,
            parts: &parts,
            target: &target,
            query: &query,
            request_id: &request_id,
            range_header: match fault {
                Faulted::IgnoreRange => RangeHeader::Ignored,
                _ => RangeHeader::Honoured,
            },
        };
        let outcome = answer(&mut call, operation, body).await;
        context.prefix = call.prefix;
        match outcome {
            Ok(reply) => reply,
            Err(BodyError::Refused(error)) => {
                if error.is_bad_signature() {
                    cloud.counters.bad_signature(dialect.service());
                }
                error.into_reply(&context)
            }
            Err(BodyError::Aborted) => {
                cloud.counters.request(dialect.service(), operation.name(), None);
                return Err(Aborted);
            }
        }
    };
    let mut reply = fault.after(connection, reply, |response| instead(&response, &context));
    let bucket = target.bucket.as_deref().and_then(|name| cloud.store(dialect).bucket(name));
    if let Some(bucket) = bucket.filter(|_| parts.headers.contains_key(http::header::ORIGIN)) {
        cors::decorate(&bucket, &parts.headers, &parts.method, reply.headers_mut());
    }
    Ok(finish(cloud, &context, operation, reply))
}

async fn meet_fault(
    cloud: &Cloud,
    dialect: Dialect,
    connection: &Connection,
    parts: &Parts,
    target: &Target,
    body: &mut RequestBody,
) -> Result<Faulted, Aborted> {
    if cloud.faults.is_empty() {
        return Ok(Faulted::No);
    }
    let keys: Vec<_> = target.key.iter().cloned().collect();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let (service, method, headers) = (dialect.service(), parts.method.as_str(), &parts.headers);
    let probe = Probe { stage: Stage::Request, service, method, path, keys: &keys, headers };
    let fault = Faulted::meet(cloud.pick_fault(&probe), &cloud.faults, connection).await?;
    match &fault {
        Faulted::CorruptRequest => body.corrupt(),
        Faulted::ResetMidRequest => {
            body.drain_half().await;
            connection.reset();
            return Err(Aborted);
        }
        Faulted::ChangeFirst(change) => change_first(cloud, dialect, parts, target, change),
        _ => {}
    }
    Ok(fault)
}

/// Replaces or removes what the request is about: the source of a copy, else the object addressed.
fn change_first(cloud: &Cloud, dialect: Dialect, parts: &Parts, target: &Target, change: &FirstChange) {
    let source = copy::Source::of(&parts.headers, HeaderPrefix::of(dialect)).and_then(Result::ok);
    let addressed = || Some(copy::Source { bucket: target.bucket.clone()?, key: target.key.clone()? });
    let Some(object) = source.or_else(addressed) else { return };
    let handle = Objects { cloud, dialect };
    match change {
        FirstChange::Replace(body) if cloud.store(dialect).bucket(&object.bucket).is_some() => {
            handle.put(&object.bucket, &object.key, body.clone());
        }
        FirstChange::Replace(_) => {}
        FirstChange::Remove => {
            handle.delete(&object.bucket, &object.key);
        }
    }
}

/// Authenticates the caller, then does the work.
async fn answer(call: &mut Call<'_>, operation: Operation, body: RequestBody) -> Result<Reply, BodyError> {
    // The SDKs of OBS ask for the dialect before they sign anything.
    if call.dialect == Dialect::Obs && call.parts.method == Method::HEAD && call.query.has("apiversion") {
        // Before a bucket is created there is only the service to ask.
        if call.target.bucket.is_some() {
            call.bucket()?;
        }
        let mut reply = Response::new(ReplyBody::default());
        bucket::api_version(reply.headers_mut());
        return Ok(reply);
    }
    if matches!(operation, Operation::PostObject | Operation::OptionObject | Operation::GetCallbackKey) {
        // A form is signed inside; the others need no signature.
        return dispatch(call, operation, body).await;
    }
    let signed = SignedParts {
        method: &call.parts.method,
        raw_path: call.parts.uri.path(),
        target: call.target,
        query: call.query,
        headers: &call.parts.headers,
    };
    match auth::verify(call.dialect, signed, auth_rules(call), &call.cloud.signing_keys) {
        Ok(prefix) => call.prefix = prefix,
        Err(error) => {
            body.drain().await;
            return Err(error.into());
        }
    }
    if let Err(error) = permission::check(call, operation) {
        body.drain().await;
        return Err(error.into());
    }
    dispatch(call, operation, body).await
}

/// What signatures are checked against.
fn auth_rules<'a>(call: &Call<'a>) -> AuthRules<'a> {
    let config = &call.cloud.config;
    let (accounts, failures) = match call.dialect {
        Dialect::Oss => (&config.oss_accounts, None),
        Dialect::Obs => (&config.huawei_accounts, Some(&call.cloud.failures)),
    };
    AuthRules { accounts, region: &config.region, v1: config.signature_v1, now: call.cloud.now(), failures }
}

async fn dispatch(call: &Call<'_>, operation: Operation, body: RequestBody) -> Result<Reply, BodyError> {
    let key = call.target.key.as_deref().unwrap_or_default();
    match operation {
        Operation::PutObject => return put::put_object(call, key, body).await,
        Operation::AppendObject => return append::append_object(call, key, body).await,
        Operation::RestoreObject => return archive::restore_object(call, key, body).await,
        Operation::PutObjectTagging => return attributes::put_tagging(call, key, body).await,
        Operation::PutObjectAcl => return attributes::put_acl(call, key, body).await,
        Operation::UploadPart => return multipart::upload_part(call, key, body).await,
        Operation::CompleteMultipartUpload => return multipart::complete(call, key, body).await,
        Operation::PostObject => return post::post_object(call, body).await,
        Operation::PutBucketCors => return cors::put(call, body).await,
        Operation::PutBucketLifecycle => return lifecycle::put(call, body).await,
        Operation::DeleteMultipleObjects => return delete::delete_objects(call, body).await,
        _ => body.drain().await,
    }
    let outcome = match operation {
        Operation::ListBuckets => bucket::list_buckets(call),
        Operation::PutBucket => bucket::put_bucket(call),
        Operation::DeleteBucket => bucket::delete_bucket(call),
        Operation::HeadBucket => bucket::head_bucket(call),
        Operation::GetBucketInfo => bucket::bucket_info(call),
        Operation::GetBucketLocation => bucket::bucket_location(call),
        Operation::GetBucketVersioning => bucket::bucket_versioning(call),
        Operation::GetBucketStat => stat::bucket_stat(call),
        Operation::GetBucketStorageInfo => stat::storage_info(call),
        Operation::GetBucketEncryption
        | Operation::GetBucketTagging
        | Operation::GetBucketWebsite
        | Operation::GetBucketReplication => unset::configuration(call, operation),
        Operation::GetBucketLifecycle => lifecycle::get(call),
        Operation::DeleteBucketLifecycle => lifecycle::delete(call),
        Operation::GetBucketCors => cors::get(call),
        Operation::DeleteBucketCors => cors::delete(call),
        Operation::OptionObject => cors::preflight(call),
        Operation::GetCallbackKey => callbacks::public_key(call),
        Operation::ListObjects => list::list_objects(call),
        Operation::GetObject | Operation::HeadObject => get::get_object(call, key),
        Operation::GetObjectMeta => get::object_meta(call, key),
        Operation::DeleteObject => delete::delete_object(call, key),
        Operation::InitiateMultipartUpload => multipart::initiate(call, key),
        Operation::AbortMultipartUpload => multipart::abort(call, key),
        Operation::ListParts => uploads::list_parts(call, key),
        Operation::ListMultipartUploads => uploads::list_uploads(call),
        Operation::CopyObject => copy::copy_object(call, key),
        Operation::UploadPartCopy => copy::upload_part_copy(call, key),
        Operation::PutSymlink => attributes::put_symlink(call, key),
        Operation::GetSymlink => attributes::get_symlink(call, key),
        Operation::GetObjectTagging => attributes::get_tagging(call, key),
        Operation::DeleteObjectTagging => attributes::delete_tagging(call, key),
        Operation::GetObjectAcl => attributes::get_acl(call, key),
        Operation::SetObjectMetadata => metadata::set_metadata(call, key),
        _ => Err(ApiError::not_implemented()),
    };
    Ok(outcome?)
}

/// The reply that a fault orders instead of the real one.
fn instead(response: &FaultResponse, context: &ErrorContext<'_>) -> Reply {
    let error = ApiError::new(response.status_code(), response.code.clone(), response.message.clone());
    response.complete(error.into_reply(context))
}

/// Headers that every answer has, and the counters.
fn finish(cloud: &Cloud, context: &ErrorContext<'_>, operation: Operation, mut reply: Reply) -> Reply {
    let dialect = context.dialect;
    cloud.counters.request(dialect.service(), operation.name(), Some(reply.status()));
    cloud.watchers.changed();
    let headers: &mut HeaderMap = reply.headers_mut();
    insert_text(headers, context.prefix.name("request-id"), context.request_id);
    match dialect {
        Dialect::Oss => {
            headers.insert("x-oss-server-time", http::HeaderValue::from_static("1"));
        }
        Dialect::Obs => insert_text(headers, context.prefix.name("id-2"), context.request_id),
    }
    headers.insert(http::header::SERVER, http::HeaderValue::from_static(dialect.server()));
    headers.insert(http::header::DATE, cloud.http_date());
    reply
}
