//! Answers that faults give.

use serde::{Deserialize, Serialize};

/// The answer of a fault. Without a `body` of its own, the service's usual error body is made of code and
/// message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultResponse {
    /// HTTP status, 100 to 999.
    pub status: u16,
    /// Error code (`Code` of OSS and OBS, `error_code` of OMS).
    #[serde(default)]
    pub code: String,
    /// Error text.
    #[serde(default)]
    pub message: String,
    /// Further headers.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Body instead of the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl FaultResponse {
    /// An error in the service's usual form.
    pub fn error(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), headers: Vec::new(), body: None }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Replaces the usual body.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// `429 APIGW.0308` with the documented text; `window` as in `1 minute`.
    pub fn oms_throttled(limit: u32, window: &str) -> Self {
        let message = format!(
            "The throttling threshold has been reached: policy user over ratelimit,limit:{limit},time:{window}"
        );
        Self::error(429, "APIGW.0308", message)
    }

    /// `503 OMS.2004`.
    pub fn oms_unavailable() -> Self {
        Self::error(503, "OMS.2004", "Service temporarily unavailable, try again later.")
    }

    /// `403 OMS.0206`.
    pub fn oms_forbidden() -> Self {
        Self::error(
            403,
            "OMS.0206",
            "Insufficient permissions. You do not have the OMS operation permissions.",
        )
    }

    /// `400 OMS.0064`.
    pub fn oms_invalid() -> Self {
        Self::error(400, "OMS.0064", "Invalid request parameters.")
    }

    /// `503 ServiceUnavailable` of OSS.
    pub fn oss_unavailable() -> Self {
        Self::error(503, "ServiceUnavailable", "Please reduce your request rate.")
    }
}
