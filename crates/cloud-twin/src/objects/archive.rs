//! `RestoreObject`: archived objects can be read for some days, after a while.
//!
//! See <https://www.alibabacloud.com/help/en/oss/developer-reference/restoreobject> and
//! <https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0087.html>. The while is
//! [`TwinConfig::restore_time`](crate::TwinConfig::restore_time), for every tier.

use chrono::TimeDelta;
use http::{Response, StatusCode};

use super::Call;
use super::body::{BodyError, receive_document};
use crate::body::{ReplyBody, RequestBody};
use crate::dialect::Dialect;
use crate::error::{ApiError, Outcome};
use crate::object::{Restoration, StoredObject};
use crate::reply::Reply;
use crate::xml::{self, Node};

/// Most days at OSS (cold classes) and at OBS.
const MAX_DAYS_OSS: i64 = 365;
const MAX_DAYS_OBS: i64 = 30;

pub(super) async fn restore_object(
    call: &Call<'_>,
    key: &str,
    body: RequestBody,
) -> Result<Reply, BodyError> {
    let bucket = call.bucket()?;
    let document = receive_document(call.dialect, &call.parts.headers, body).await?;
    let days = days(call.dialect, &document)?;
    let status = bucket.modify(key, |object| restore(call, object, days));
    let status = status.ok_or_else(|| ApiError::no_such_key(key))??;
    let mut reply = Response::new(ReplyBody::default());
    *reply.status_mut() = status;
    Ok(reply)
}

/// How long the object is to be readable. OSS takes a request without a document for one day.
fn days(dialect: Dialect, document: &[u8]) -> Outcome<i64> {
    if document.is_empty() && dialect == Dialect::Oss {
        return Ok(1);
    }
    let mut days = None;
    let nodes = xml::parse(document)?;
    if nodes.first() != Some(&Node::Open("RestoreRequest".to_owned())) {
        return Err(ApiError::malformed_xml());
    }
    for node in nodes {
        let Node::Close { name, text } = node else { continue };
        match (name.as_str(), text.trim(), dialect) {
            ("Days", text, _) => days = text.parse().ok(),
            ("Tier", "Expedited" | "Standard", _) | ("Tier", "Bulk", Dialect::Oss) => {}
            ("Tier", _, _) => return Err(ApiError::malformed_xml()),
            _ => {}
        }
    }
    let most = match dialect {
        Dialect::Oss => MAX_DAYS_OSS,
        Dialect::Obs => MAX_DAYS_OBS,
    };
    days.filter(|days| (1..=most).contains(days)).ok_or_else(|| {
        ApiError::invalid_argument("The days of a restored object are out of range.")
            .detail("ArgumentName", "Days")
    })
}

fn restore(call: &Call<'_>, object: &mut StoredObject, days: i64) -> Outcome<StatusCode> {
    if !object.has_archive_class(call.dialect) {
        return Err(match call.dialect {
            Dialect::Oss => ApiError::bad_request(
                "OperationNotSupported",
                "The operation is not supported for this resource: its storage class is not an archive.",
            ),
            Dialect::Obs => ApiError::forbidden(
                "InvalidObjectState",
                "Restore is not allowed: the storage class of the object is not an archive.",
            ),
        });
    }
    let now = call.cloud.now();
    let conflict =
        |code: &'static str, message: &'static str| Err(ApiError::new(StatusCode::CONFLICT, code, message));
    let time = TimeDelta::days(days);
    match object.restoration(now) {
        Restoration::UnderWay => {
            conflict("RestoreAlreadyInProgress", "Object restore is already in progress.")
        }
        Restoration::Done => {
            let until = now + time;
            // OBS says so; OSS keeps the later end.
            if object.restored_until.is_some_and(|before| until < before) {
                return match call.dialect {
                    Dialect::Oss => Ok(StatusCode::OK),
                    Dialect::Obs => conflict(
                        "ObjectHasAlreadyRestored",
                        "The retention period of a restored object cannot be shortened.",
                    ),
                };
            }
            object.restored_until = Some(until);
            Ok(StatusCode::OK)
        }
        Restoration::No => {
            let takes = TimeDelta::from_std(call.cloud.config.restore_time).unwrap_or(TimeDelta::MAX);
            let from = now.checked_add_signed(takes).unwrap_or(now);
            object.restored_from = Some(from);
            object.restored_until = Some(from + time);
            Ok(StatusCode::ACCEPTED)
        }
    }
}
