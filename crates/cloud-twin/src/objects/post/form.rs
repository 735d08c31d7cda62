//! The form of a browser: its fields, then its file, never held as a whole.

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, header};
use multer::{Field, Multipart};

use super::super::body::BodyError;
use crate::body::RequestBody;
use crate::error::{ApiError, Outcome};
use crate::form_fields::FormFields;
use crate::wire;

const MAX_NAME: usize = 8 << 10;
const MAX_VALUE: usize = 2 << 20;
const FILE: &str = "file";

/// The file of a form, to be read piece by piece.
pub(super) struct File<'a> {
    multipart: Multipart<'a>,
    field: Field<'a>,
}

/// Reads up to the content of the file.
pub(super) async fn open<'a>(
    headers: &HeaderMap,
    body: &'a mut RequestBody,
) -> Result<(FormFields, File<'a>), BodyError> {
    let mut multipart = Multipart::new(pieces(body), boundary(headers)?);
    let mut fields = FormFields::default();
    loop {
        let next = multipart.next_field().await.map_err(|error| broken(&error))?;
        let field = next.ok_or_else(wrong_number_of_files)?;
        let name = field.name().ok_or_else(malformed)?.to_ascii_lowercase();
        if name == FILE {
            return Ok((fields, File { multipart, field }));
        }
        let value = text_of(&name, field).await?;
        fields.add(name, value);
    }
}

fn pieces(
    body: &mut RequestBody,
) -> impl stream::Stream<Item = Result<Bytes, crate::connection::Aborted>> + Send {
    stream::unfold(body, |body| async move { body.piece().await.map(|piece| (piece, body)) })
}

fn boundary(headers: &HeaderMap) -> Outcome<String> {
    let content_type = wire::header(headers, header::CONTENT_TYPE.as_str());
    multer::parse_boundary(content_type).map_err(|error| {
        if matches!(error, multer::Error::NoBoundary) {
            return malformed();
        }
        let message = "Bucket POST must be of the enclosure-type multipart/form-data.";
        ApiError::bad_request("RequestIsNotMultiPartContent", message)
    })
}

async fn text_of(name: &str, mut field: Field<'_>) -> Result<String, BodyError> {
    let too_long = || {
        let message = "Your form field is too long: a name may have 8 KB, a value 2 MB.";
        ApiError::bad_request("FieldItemTooLong", message)
    };
    if name.len() > MAX_NAME {
        return Err(too_long().into());
    }
    let mut value = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|error| broken(&error))? {
        value.extend_from_slice(&piece);
        if value.len() > MAX_VALUE {
            return Err(too_long().into());
        }
    }
    Ok(String::from_utf8(value).map_err(|_| malformed())?)
}

impl File<'_> {
    /// The name that the browser gave it; empty when it gave none.
    pub(super) fn name(&self) -> &str {
        self.field.file_name().unwrap_or_default()
    }

    pub(super) fn content_type(&self) -> Option<&HeaderValue> {
        self.field.headers().get(header::CONTENT_TYPE)
    }

    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, BodyError> {
        self.field.chunk().await.map_err(|error| broken(&error))
    }

    /// Reads what follows the file: fields that are ignored, and no other file.
    pub(super) async fn end(self) -> Result<(), BodyError> {
        let Self { mut multipart, field } = self;
        drop(field);
        while let Some(field) = multipart.next_field().await.map_err(|error| broken(&error))? {
            if field.name().is_some_and(|name| name.eq_ignore_ascii_case(FILE)) {
                return Err(wrong_number_of_files().into());
            }
        }
        Ok(())
    }
}

fn broken(error: &multer::Error) -> BodyError {
    match error {
        multer::Error::StreamReadFailed(_) => BodyError::Aborted,
        _ => malformed().into(),
    }
}

fn malformed() -> ApiError {
    let message = "The body of your POST request is not well-formed multipart/form-data.";
    ApiError::bad_request("MalformedPOSTRequest", message).ec("0006-00000103")
}

fn wrong_number_of_files() -> ApiError {
    let message = "POST requires exactly one file upload per request.";
    ApiError::bad_request("IncorrectNumberOfFilesInPOSTRequest", message)
}
