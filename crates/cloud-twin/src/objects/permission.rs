//! Checks the policies of the caller.

use super::operation::Operation;
use super::{Call, copy};
use crate::dialect::Dialect;
use crate::error::Outcome;
use crate::form_fields::FormFields;
use crate::policy::{self, Need, Subject};

/// Whether the caller may do this. The signature is verified by now.
pub(super) fn check(call: &Call<'_>, operation: Operation) -> Outcome<()> {
    let Some(access_key) = policy::of_request(&call.parts.headers, call.query) else { return Ok(()) };
    let source = copy::Source::of(&call.parts.headers, call.prefix).and_then(Result::ok);
    let source = source.as_ref().map(|source| (&*source.bucket, &*source.key));
    let subject = Subject { source, ..subject(call, operation.name(), call.target.key.as_deref()) };
    let mut needs = policy::of_object_service(&subject);
    if is_missing(call, operation) {
        needs.push(policy::listing(&subject));
    }
    permit(call, &access_key, &needs)
}

/// Whether an object is asked for that is not there.
fn is_missing(call: &Call<'_>, operation: Operation) -> bool {
    let reads = matches!(
        operation,
        Operation::GetObject | Operation::HeadObject | Operation::GetObjectMeta | Operation::GetSymlink
    );
    let bucket = call.store().bucket(call.bucket_name());
    reads && bucket.zip(call.target.key.as_deref()).is_some_and(|(bucket, key)| bucket.get(key).is_none())
}

/// That, for a form, whose fields stand for headers in `put`.
pub(super) fn check_form(put: &Call<'_>, fields: &FormFields, key: &str) -> Outcome<()> {
    // Whoever signs nothing has no policy of its own.
    let Some(access_key) = policy::of_form(fields) else { return Ok(()) };
    let needs = policy::of_object_service(&subject(put, Operation::PostObject.name(), Some(key)));
    permit(put, &access_key, &needs)
}

/// That, for the keys in the body of a `DeleteMultipleObjects`.
pub(super) fn check_deletion(call: &Call<'_>, keys: &[String]) -> Outcome<()> {
    let Some(access_key) = policy::of_request(&call.parts.headers, call.query) else { return Ok(()) };
    let subject = subject(call, Operation::DeleteMultipleObjects.name(), None);
    permit(call, &access_key, &policy::deletion(&subject, keys))
}

fn permit(call: &Call<'_>, access_key: &str, needs: &[Need]) -> Outcome<()> {
    let permitted = call.cloud.permit(call.dialect.service(), access_key, needs);
    permitted.map_err(|refusal| refusal.of(call.dialect))
}

fn subject<'a>(call: &Call<'a>, operation: &'static str, key: Option<&'a str>) -> Subject<'a> {
    Subject {
        dialect: call.dialect,
        operation,
        region: match call.dialect {
            Dialect::Oss => &call.cloud.config.region,
            Dialect::Obs => "cn-north-4",
        },
        bucket: call.target.bucket.as_deref(),
        key,
        source: None,
        headers: &call.parts.headers,
    }
}
