//! `SetObjectMetadata` of OBS: headers and metadata change, the content stays.
//!
//! See <https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0091.html>.

use http::{HeaderValue, Response};

use super::Call;
use super::get;
use super::headers_kept::object_headers;
use crate::body::ReplyBody;
use crate::error::{ApiError, Outcome};
use crate::object::{ObjectHeaders, StoredObject};
use crate::reply::Reply;
use crate::wire;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directive {
    /// What is named is set, the rest stays.
    ReplaceNew,
    /// What is not named goes; the storage class stays.
    Replace,
}

impl Directive {
    const fn name(self) -> &'static str {
        match self {
            Self::ReplaceNew => "REPLACE_NEW",
            Self::Replace => "REPLACE",
        }
    }

    fn of(call: &Call<'_>) -> Outcome<Self> {
        let name = call.prefix.name("metadata-directive");
        let given = wire::header(&call.parts.headers, name.as_str());
        let known = [Self::ReplaceNew, Self::Replace].into_iter().find(|known| known.name() == given);
        known.ok_or_else(|| {
            ApiError::invalid_argument("The metadata directive must be REPLACE_NEW or REPLACE.")
                .detail("ArgumentName", name.as_str())
                .detail("ArgumentValue", given)
        })
    }

    fn apply(self, kept: &mut ObjectHeaders, given: ObjectHeaders) {
        match self {
            Self::Replace => {
                kept.content_type = given.content_type;
                kept.standard = given.standard;
                kept.user = given.user;
            }
            Self::ReplaceNew => {
                kept.content_type = given.content_type.or(kept.content_type.take());
                kept.standard.retain(|(name, _)| given.standard.iter().all(|(new, _)| new != name));
                kept.standard.extend(given.standard);
                kept.user.extend(given.user);
                kept.storage_class = given.storage_class.or(kept.storage_class.take());
            }
        }
    }
}

pub(super) fn set_metadata(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    let directive = Directive::of(call)?;
    let given = object_headers(call)?;
    let changed = bucket.modify(key, |object| change(call, object, directive, given));
    let object = changed.ok_or_else(|| ApiError::no_such_key(key))??;
    let mut reply = Response::new(ReplyBody::default());
    get::object_headers(call, &object, reply.headers_mut());
    let directive = HeaderValue::from_static(directive.name());
    reply.headers_mut().insert(call.prefix.name("metadata-directive"), directive);
    Ok(reply)
}

/// Of an archived object nothing can be changed.
fn change(
    call: &Call<'_>,
    object: &mut StoredObject,
    directive: Directive,
    given: ObjectHeaders,
) -> Outcome<StoredObject> {
    if object.has_archive_class(call.dialect) {
        let message = "The operation is not valid for the object's state.";
        return Err(ApiError::forbidden("InvalidObjectState", message));
    }
    directive.apply(&mut object.headers, given);
    Ok(object.clone())
}
