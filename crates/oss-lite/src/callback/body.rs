//! The body that OSS is asked to send.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::error::{Error, ErrorKind};
use crate::{encoding, json};

/// How the body of a callback is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CallbackBodyType {
    /// `application/x-www-form-urlencoded`, the default of OSS.
    #[default]
    Form,
    /// `application/json`, one object.
    Json,
}

/// What OSS fills in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Variable {
    /// Name of the bucket.
    Bucket,
    /// The key.
    Object,
    /// The `ETag`, as the uploader gets it.
    ETag,
    /// Size of the object in bytes.
    Size,
    /// Content type.
    MimeType,
    /// Of an image, in pixels; empty otherwise.
    ImageHeight,
    /// Of an image, in pixels; empty otherwise.
    ImageWidth,
    /// Of an image, such as `jpg`; empty otherwise.
    ImageFormat,
    /// CRC-64/XZ of the object.
    Crc64,
    /// MD5 of what was sent, in base64; empty for multipart uploads.
    ContentMd5,
    /// The VPC that the upload came from; empty otherwise.
    VpcId,
    /// Address of the uploader.
    ClientIp,
    /// Id of the upload request.
    RequestId,
    /// Name of the operation, such as `PostObject`.
    Operation,
    /// `x:` and this name: a variable of [`CallbackRequest::custom`](super::CallbackRequest::custom).
    Custom(String),
}

impl Variable {
    fn name(&self) -> Cow<'static, str> {
        let name = match self {
            Self::Bucket => "bucket",
            Self::Object => "object",
            Self::ETag => "etag",
            Self::Size => "size",
            Self::MimeType => "mimeType",
            Self::ImageHeight => "imageInfo.height",
            Self::ImageWidth => "imageInfo.width",
            Self::ImageFormat => "imageInfo.format",
            Self::Crc64 => "crc64",
            Self::ContentMd5 => "contentMd5",
            Self::VpcId => "vpcId",
            Self::ClientIp => "clientIp",
            Self::RequestId => "reqId",
            Self::Operation => "operation",
            Self::Custom(name) => return format!("x:{name}").into(),
        };
        name.into()
    }
}

/// The body that OSS calls with: names, and for each a constant or a [`Variable`], in the order given.
///
/// For any names and constants, the body is well-formed and has no variables but those asked for: in
/// JSON both are escaped, a dollar sign as `\u0024`; in a form both are percent-encoded. The values of
/// variables are encoded by OSS.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackBody {
    kind: CallbackBodyType,
    members: Vec<(String, Value)>,
}

#[derive(Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    Variable(Variable),
}

impl CallbackBody {
    /// A body without members, which OSS refuses as long as it stays so.
    pub fn new(kind: CallbackBodyType) -> Self {
        Self { kind, members: Vec::new() }
    }

    /// A JSON object.
    pub fn json() -> Self {
        Self::new(CallbackBodyType::Json)
    }

    /// A form.
    pub fn form() -> Self {
        Self::new(CallbackBodyType::Form)
    }

    /// A constant; in JSON a string.
    #[must_use]
    pub fn text(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.members.push((name.into(), Value::Text(value.into())));
        self
    }

    /// A value that OSS fills in; in JSON of the type that OSS gives it.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, variable: Variable) -> Self {
        self.members.push((name.into(), Value::Variable(variable)));
        self
    }

    /// How it is written.
    pub fn body_type(&self) -> CallbackBodyType {
        self.kind
    }

    /// The template for OSS, in which only the names in `custom` may be used as custom variables.
    pub(super) fn template(&self, custom: &[(String, String)]) -> Result<String, Error> {
        self.check(custom)?;
        let mut text = String::with_capacity(256);
        let (between, open, close) = match self.kind {
            CallbackBodyType::Form => ("&", "", ""),
            CallbackBodyType::Json => (",", "{", "}"),
        };
        text.push_str(open);
        for (at, (name, value)) in self.members.iter().enumerate() {
            text.push_str(if at == 0 { "" } else { between });
            self.constant(&mut text, name);
            text.push(if self.kind == CallbackBodyType::Json { ':' } else { '=' });
            match value {
                Value::Text(value) => self.constant(&mut text, value),
                Value::Variable(variable) => {
                    // Writing to a string cannot fail.
                    let _ = write!(text, "${{{}}}", variable.name());
                }
            }
        }
        text.push_str(close);
        Ok(text)
    }

    fn constant(&self, out: &mut String, text: &str) {
        match self.kind {
            CallbackBodyType::Form => out.extend(encoding::component(text)),
            CallbackBodyType::Json => out.push_str(&json::string(text).replace('$', "\\u0024")),
        }
    }

    fn check(&self, custom: &[(String, String)]) -> Result<(), Error> {
        let bad = |message: String| Err(Error::new(ErrorKind::InvalidArgument, message));
        if self.members.is_empty() {
            return bad("the body of the callback is empty".to_owned());
        }
        for (at, (name, value)) in self.members.iter().enumerate() {
            if self.members[..at].iter().any(|(earlier, _)| earlier == name) {
                return bad(format!("the body of the callback has {name:?} twice"));
            }
            if let Value::Variable(Variable::Custom(used)) = value
                && !custom.iter().any(|(name, _)| name == used)
            {
                return bad(format!("the body of the callback uses x:{used}, which has no value"));
            }
        }
        Ok(())
    }
}

/// Names only: constants may be secrets.
impl std::fmt::Debug for CallbackBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&String> = self.members.iter().map(|(name, _)| name).collect();
        f.debug_struct("CallbackBody")
            .field("kind", &self.kind)
            .field("names", &names)
            .finish_non_exhaustive()
    }
}
