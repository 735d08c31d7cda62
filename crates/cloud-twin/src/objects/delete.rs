//! `DeleteObject` and `DeleteMultipleObjects`.

use http::{HeaderValue, Response, StatusCode, header};

use super::body::{BodyError, MAX_DOCUMENT, receive};
use super::reply::xml_reply;
use super::{Call, permission};
use crate::body::{ReplyBody, RequestBody};
use crate::dialect::Dialect;
use crate::error::{ApiError, Outcome};
use crate::notify::Change;
use crate::observe::TwinEvent;
use crate::reply::Reply;
use crate::store::Bucket;
use crate::wire::{Plus, Slash, decode, encode};
use crate::xml::{self, Document, Node};

const MAX_KEYS: usize = 1000;

pub(super) fn delete_object(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    remove(call, &bucket, key, Change::DeleteObject);
    let mut reply = Response::new(ReplyBody::default());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    Ok(reply)
}

fn remove(call: &Call<'_>, bucket: &Bucket, key: &str, change: Change) {
    let Some(object) = bucket.delete(key) else { return };
    let name = call.bucket_name();
    call.cloud.watchers.emit(|| TwinEvent::ObjectDeleted {
        service: call.dialect.service(),
        bucket: name.to_owned(),
        key: key.to_owned(),
    });
    if call.dialect == Dialect::Oss {
        call.cloud.raise(change, name, key, &object, Some(object.body.len()), call.request_id);
    }
}

pub(super) async fn delete_objects(call: &Call<'_>, body: RequestBody) -> Result<Reply, BodyError> {
    let bucket = call.bucket()?;
    let headers = &call.parts.headers;
    if !headers.contains_key("content-md5") {
        return Err(match call.dialect {
            Dialect::Oss => {
                ApiError::invalid_argument("Missing Some Required Arguments.").ec("0016-00000606")
            }
            Dialect::Obs => ApiError::bad_request(
                "InvalidRequest",
                "Missing required header for this request: Content-MD5",
            ),
        }
        .into());
    }
    let announced =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_DOCUMENT) {
        return Err(ApiError::malformed_xml().into());
    }
    let (body, _) = receive(call.dialect, headers, body, MAX_DOCUMENT).await?;
    let request = Request::parse(call, &body)?;
    permission::check_deletion(call, &request.keys)?;
    for key in &request.keys {
        remove(call, &bucket, key, Change::DeleteObjects);
    }
    Ok(request.reply(call))
}

/// Whether the answer lists what was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Quiet,
    Verbose,
}

/// How keys are written in the answer and, for OBS, in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DeleteEncoding {
    Plain,
    Url,
}

struct Request {
    mode: Mode,
    encoding: DeleteEncoding,
    keys: Vec<String>,
}

impl Request {
    /// OSS reads the encoding of its answer from the query, OBS that of both documents from the request
    /// document.
    fn parse(call: &Call<'_>, body: &[u8]) -> Outcome<Self> {
        let mut request = Self {
            mode: Mode::Verbose,
            encoding: match (call.dialect, call.query.get("encoding-type")) {
                (Dialect::Oss, Some("url")) => DeleteEncoding::Url,
                _ => DeleteEncoding::Plain,
            },
            keys: Vec::new(),
        };
        let nodes = xml::parse(body)?;
        if nodes.first() != Some(&Node::Open("Delete".to_owned())) {
            return Err(ApiError::malformed_xml());
        }
        for node in nodes {
            let Node::Close { name, text } = node else {
                continue;
            };
            match name.as_str() {
                "Key" if text.is_empty() => return Err(ApiError::malformed_xml()),
                "Key" => request.keys.push(text),
                "Quiet" if text.trim() == "true" => request.mode = Mode::Quiet,
                "EncodingType" if call.dialect == Dialect::Obs && text == "url" => {
                    request.encoding = DeleteEncoding::Url;
                }
                _ => {}
            }
        }
        if call.dialect == Dialect::Obs && request.encoding == DeleteEncoding::Url {
            for key in &mut request.keys {
                *key = decode(key, Plus::Space).map_err(|_| ApiError::malformed_xml())?;
            }
        }
        if (1..=MAX_KEYS).contains(&request.keys.len()) {
            Ok(request)
        } else {
            Err(ApiError::malformed_xml())
        }
    }

    fn reply(self, call: &Call<'_>) -> Reply {
        if self.mode == Mode::Quiet && call.dialect == Dialect::Oss {
            let mut reply = Response::new(ReplyBody::default());
            reply.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
            return reply;
        }
        let mut document = Document::new("DeleteResult", call.dialect.namespace());
        if self.encoding == DeleteEncoding::Url {
            document.leaf("EncodingType", "url");
        }
        if self.mode == Mode::Verbose {
            for key in self.keys {
                let key = match self.encoding {
                    DeleteEncoding::Url => encode(&key, Slash::Encode),
                    DeleteEncoding::Plain => key,
                };
                document.group("Deleted", |deleted| {
                    deleted.leaf("Key", &key);
                });
            }
        }
        xml_reply(document.finish())
    }
}
