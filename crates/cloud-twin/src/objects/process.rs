//! `x-oss-process` on reading: what becomes of a picture or a video on its way out.
//!
//! Nothing is scaled or decoded here: a picture goes out as it is stored, a frame of a video is a small grey
//! picture. See <https://www.alibabacloud.com/help/en/oss/user-guide/img-parameters> and
//! <https://www.alibabacloud.com/help/en/oss/user-guide/video-snapshots>.

use http::{HeaderValue, Response, header};
use serde_json::json;

use super::Call;
use crate::body::ReplyBody;
use crate::content::Content;
use crate::dialect::Dialect;
use crate::error::{ApiError, Outcome};
use crate::image::Image;
use crate::object::StoredObject;
use crate::reply::Reply;

const PARAMETER: &str = "x-oss-process";
const FRAME_JPEG: &[u8] = include_bytes!("frame.jpg");
const FRAME_PNG: &[u8] = include_bytes!("frame.png");

const IMAGE_ACTIONS: [&str; 16] = [
    "auto-orient",
    "average-hue",
    "blur",
    "bright",
    "circle",
    "contrast",
    "crop",
    "format",
    "indexcrop",
    "interlace",
    "quality",
    "resize",
    "rotate",
    "rounded-corners",
    "sharpen",
    "watermark",
];

/// The reply, where processing was asked for and makes something else of the object.
pub(super) fn processed(call: &Call<'_>, object: &StoredObject) -> Outcome<Option<Reply>> {
    let Some(process) = call.query.get(PARAMETER).filter(|_| call.dialect == Dialect::Oss) else {
        return Ok(None);
    };
    let unknown = || {
        ApiError::invalid_argument("The x-oss-process parameter is invalid.")
            .detail("ArgumentName", PARAMETER)
            .detail("ArgumentValue", process)
    };
    let (domain, actions) = process.split_once('/').ok_or_else(unknown)?;
    let mut names = actions.split('/').map(|action| action.split(',').next().unwrap_or_default());
    match domain {
        "image" if actions == "info" => image_info(object).map(Some),
        "image" if names.all(|name| IMAGE_ACTIONS.contains(&name)) => {
            check_type(object, "image/").map(|()| None)
        }
        "video" if names.next() == Some("snapshot") && names.next().is_none() => {
            check_type(object, "video/")?;
            snapshot(actions).map(Some)
        }
        _ => Err(unknown()),
    }
}

fn check_type(object: &StoredObject, start: &str) -> Outcome<()> {
    let content_type = object.headers.content_type.as_ref().and_then(|value| value.to_str().ok());
    if content_type.is_some_and(|content_type| content_type.starts_with(start)) {
        return Ok(());
    }
    Err(ApiError::bad_request("BadRequest", "not supported format."))
}

fn image_info(object: &StoredObject) -> Outcome<Reply> {
    check_type(object, "image/")?;
    let unreadable = || ApiError::bad_request("BadRequest", "not supported format.");
    let Image { format, width, height } = Image::of(&object.body).ok_or_else(unreadable)?;
    let value = |value: String| json!({ "value": value });
    let info = json!({
        "FileSize": value(object.body.len().to_string()),
        "Format": value(format.name().to_owned()),
        "ImageHeight": value(height.to_string()),
        "ImageWidth": value(width.to_string()),
    });
    Ok(reply(info.to_string(), "application/json"))
}

/// `snapshot,t_1000,f_jpg,w_800,h_600,m_fast`.
fn snapshot(action: &str) -> Outcome<Reply> {
    let mut jpeg = true;
    for option in action.split(',').skip(1) {
        let number = |text: &str| text.parse::<u64>().is_ok();
        match option.split_once('_') {
            Some(("f", format)) if matches!(format, "jpg" | "png") => jpeg = format == "jpg",
            Some(("t" | "w" | "h", value)) if number(value) => {}
            Some(("m", "fast") | ("ar", "auto" | "h" | "w")) => {}
            option => {
                let error = ApiError::invalid_argument("A parameter of the video snapshot is invalid.");
                let of_format = option.is_some_and(|(name, _)| name == "f");
                return Err(if of_format { error.ec("0053-00000107") } else { error });
            }
        }
    }
    Ok(if jpeg { reply(FRAME_JPEG, "image/jpeg") } else { reply(FRAME_PNG, "image/png") })
}

fn reply(content: impl Into<Content>, content_type: &'static str) -> Reply {
    let content = content.into();
    let mut reply = Response::new(ReplyBody::default());
    reply.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(content.len()));
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    *reply.body_mut() = content.into();
    reply
}
