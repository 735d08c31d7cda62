//! Names of the headers that the gateway gives a meaning to.

use http::HeaderName;

/// Time of signing, `YYYYMMDDTHHMMSSZ`. The only header that the gateway insists on being signed.
pub static X_SDK_DATE: HeaderName = HeaderName::from_static("x-sdk-date");
/// Token of temporary credentials.
pub static X_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-security-token");
/// Hash of the body, or `UNSIGNED-PAYLOAD`.
pub static X_SDK_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-sdk-content-sha256");
/// Sub-project that the request is for.
pub static X_PROJECT_ID: HeaderName = HeaderName::from_static("x-project-id");
/// Account that a request to a global service is for.
pub static X_DOMAIN_ID: HeaderName = HeaderName::from_static("x-domain-id");
/// Token of the other kind of authentication, which excludes signing.
pub static X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
