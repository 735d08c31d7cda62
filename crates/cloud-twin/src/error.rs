//! Refusals of the object services and their bodies, as OSS and OBS word them.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};

use crate::body::ReplyBody;
use crate::dialect::{Dialect, HeaderPrefix};
use crate::reply::{Reply, insert_text};
use crate::xml::{MalformedXml, escape};

pub(crate) type Outcome<T> = Result<T, ApiError>;

/// A refusal with everything its body and headers need. Boxed: it travels in every `Result`.
#[derive(Debug)]
pub(crate) struct ApiError(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    ec: Option<&'static str>,
    details: Vec<(&'static str, String)>,
    /// What OSS says of a policy's denial.
    denial: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Cause,
}

/// Whether a refusal counts as a bad signature in the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Request,
    Signature,
}

/// Where an error happened, for its body.
pub(crate) struct ErrorContext<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) prefix: HeaderPrefix,
    pub(crate) method: &'a Method,
    pub(crate) resource: &'a str,
    pub(crate) host: &'a str,
    pub(crate) request_id: &'a str,
}

impl From<MalformedXml> for ApiError {
    fn from(_: MalformedXml) -> Self {
        Self::malformed_xml()
    }
}

impl ApiError {
    pub(crate) fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Parts {
            status,
            code: code.into(),
            message: message.into(),
            ec: None,
            details: Vec::new(),
            denial: Vec::new(),
            headers: Vec::new(),
            cause: Cause::Request,
        }))
    }

    pub(crate) fn bad_request(
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn invalid_argument(message: impl Into<Cow<'static, str>>) -> Self {
        Self::bad_request("InvalidArgument", message)
    }

    pub(crate) fn forbidden(
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    pub(crate) fn not_implemented() -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            "A header or query you provided implies functionality that is not implemented.",
        )
    }

    pub(crate) fn malformed_xml() -> Self {
        Self::bad_request(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema.",
        )
    }

    pub(crate) fn no_such_bucket(bucket: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchBucket", "The specified bucket does not exist.")
            .ec("0015-00000101")
            .detail("BucketName", bucket)
    }

    pub(crate) fn no_such_key(key: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchKey", "The specified key does not exist.")
            .ec("0026-00000001")
            .detail("Key", key)
    }

    pub(crate) fn precondition_failed(condition: &str) -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold.",
        )
        .detail("Condition", condition)
    }

    pub(crate) fn ec(mut self, ec: &'static str) -> Self {
        self.0.ec = Some(ec);
        self
    }

    pub(crate) fn detail(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.details.push((name, value.into()));
        self
    }

    pub(crate) fn denial(mut self, denial: Vec<(&'static str, String)>) -> Self {
        self.0.denial = denial;
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    pub(crate) fn signature(mut self) -> Self {
        self.0.cause = Cause::Signature;
        self
    }

    pub(crate) fn is_bad_signature(&self) -> bool {
        self.0.cause == Cause::Signature
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> &str {
        &self.0.code
    }

    /// The reply: XML body, or for `HEAD` the headers that stand in for it.
    pub(crate) fn into_reply(self, context: &ErrorContext<'_>) -> Reply {
        let xml = self.xml(context);
        let parts = *self.0;
        let mut reply = Response::new(ReplyBody::default());
        *reply.status_mut() = parts.status;
        let headers = reply.headers_mut();
        headers
            .extend(parts.headers.into_iter().map(|(name, value)| (Some(name), value)).collect::<Vec<_>>());
        if let (Dialect::Oss, Some(ec)) = (context.dialect, parts.ec) {
            headers.insert("x-oss-ec", HeaderValue::from_static(ec));
        }
        if context.method != Method::HEAD {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
            *reply.body_mut() = ReplyBody::from(xml);
        } else if context.dialect == Dialect::Oss {
            if let Ok(value) = HeaderValue::from_str(&STANDARD.encode(xml)) {
                headers.insert("x-oss-err", value);
            }
        } else {
            // OBS sends these so that clients can distinguish a missing bucket from a missing key.
            insert_text(headers, context.prefix.name("error-code"), &parts.code);
            insert_text(headers, context.prefix.name("error-message"), &parts.message);
        }
        reply
    }

    fn xml(&self, context: &ErrorContext<'_>) -> String {
        let parts = &self.0;
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n");
        let mut element = |name: &str, value: &str| {
            // Writing to a String does not fail.
            let _ = writeln!(xml, "  <{name}>{}</{name}>", escape(value));
        };
        element("Code", &parts.code);
        element("Message", &parts.message);
        if context.dialect == Dialect::Obs {
            element("Resource", context.resource);
        }
        element("RequestId", context.request_id);
        element("HostId", context.host);
        for (name, value) in &parts.details {
            element(name, value);
        }
        if let (Dialect::Oss, Some(ec)) = (context.dialect, parts.ec) {
            element("EC", ec);
            element("RecommendDoc", &format!("https://api.aliyun.com/troubleshoot?q={ec}"));
        }
        if !parts.denial.is_empty() {
            xml += "  <AccessDeniedDetail>\n";
            for (name, value) in &parts.denial {
                let _ = writeln!(xml, "    <{name}>{}</{name}>", escape(value));
            }
            xml += "  </AccessDeniedDetail>\n";
        }
        xml + "</Error>\n"
    }
}
