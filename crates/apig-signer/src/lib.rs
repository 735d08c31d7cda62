//! Request signing for the API gateway (APIG) in front of Huawei Cloud services: `SDK-HMAC-SHA256`.
//!
//! The crate turns an HTTP request, credentials and a time into an `authorization` header, and verifies such
//! a header. It does no I/O and reads neither clock nor environment: equal input gives equal output. It knows
//! types of the [`http`] crate only, so it serves any client and server built on them. The rules are those of
//! the vendor's pages
//! [algorithm](https://support.huaweicloud.com/intl/en-us/devg-apisign/api-sign-algorithm-002.html) and
//! [headers](https://support.huaweicloud.com/en-us/devg-apisign/api-sign-exclude-header.html); where those
//! are silent, the decision is documented at [`CanonicalRequest`].
//!
//! ```
//! use apig_signer::{Credentials, MAX_CLOCK_SKEW, Payload, SigningParams, sign_request, verify};
//! use chrono::{DateTime, Utc};
//! use http::{Request, header};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let credentials = Credentials::new("QTWAOYTTINDUT2QVKYUC", "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc");
//! let now: DateTime<Utc> = "2019-11-15T03:36:55Z".parse()?;
//!
//! let body = r#"{"object_keys":["test%2F001.txt","test%2F002.txt"]}"#;
//! let (mut parts, ()) = Request::post(
//!     "https://oms.cn-north-4.myhuaweicloud.com/v2/f697f813554a4f05bac882a183b20878/sync-tasks/31e9b7e6-6ffb-452f-9842-6ce354d99d75/events",
//! )
//! .header(header::CONTENT_TYPE, "application/json")
//! .body(())?
//! .into_parts();
//!
//! let params = SigningParams::new(&credentials, now);
//! sign_request(&mut parts, Payload::Bytes(body.as_bytes()), &params)?;
//! assert_eq!(
//!     parts.headers[header::AUTHORIZATION],
//!     "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-date, \
//!      Signature=fca94d24203fc023634f67e8059ce83b6756b905cea2c15b038b34018d006e03",
//! );
//!
//! let verified =
//!     verify(&parts.method, &parts.uri, &parts.headers, body.as_bytes(), &credentials, now, MAX_CLOCK_SKEW)?;
//! assert_eq!(verified.access_key, "QTWAOYTTINDUT2QVKYUC");
//! # Ok(())
//! # }
//! ```
//!
//! # How a request is signed
//!
//! [`sign`] removes what an earlier attempt left, adds `x-sdk-date`, `host` and, where needed,
//! `x-security-token` and `x-sdk-content-sha256`, chooses the headers to sign ([`SignedHeaders`]), and runs
//! through the stages. Each stage is a type whose `Display` is the exact text of the specification:
//!
//! ```text
//! CanonicalRequest ──SHA-256──▶ StringToSign ──HMAC-SHA256──▶ Signature ──▶ Authorization
//! ```
//!
//! The texts of the stages are not built for signing; their pieces go straight into the hash. The key of the
//! HMAC is the secret key itself (no derivation as in AWS Signature Version 4); [`Credentials`] keeps it as a
//! state that has absorbed the key already.
//!
//! # What to mind
//!
//! * Send the method, URI, signed headers and body exactly as they were signed. Only the canonical form of
//!   the path ends in `/`.
//! * Sign each attempt again; calling [`sign`] again on the same headers is enough.
//! * Do not retry a 401 blindly: more than 5 wrong signatures in a row lock the access key for 5 minutes for
//!   all its users.
//! * Log [`CanonicalRequest::redacted`], never the canonical request itself.
//!
//! # Map
//!
//! | module | concern |
//! |---|---|
//! | `sign`, `verify` | the two entry points |
//! | `canonical`, `uri`, `signed_headers`, `payload` | the canonical request and its parts |
//! | `stages`, `timestamp` | string to sign, signature, authorization; the time in them |
//! | `credentials` | keys, masked in `Debug` |
//! | [`encode`], [`header`] | percent-encoding and header names, of use to callers as well |
//! | `wire` | feeding text into a hash or a formatter piece by piece |

#![warn(missing_docs)]

mod canonical;
mod credentials;
pub mod encode;
mod error;
pub mod header;
mod masked;
mod payload;
mod sign;
mod signed_headers;
mod stages;
mod timestamp;
mod uri;
mod verify;
mod wire;

pub use canonical::{CanonicalRequest, RedactedCanonicalRequest};
pub use credentials::Credentials;
pub use error::{Error, ErrorKind};
pub use payload::{Payload, PayloadHash};
pub use sign::{Signed, SigningParams, sign, sign_request};
pub use signed_headers::{SignedHeaderSelection, SignedHeaders};
pub use stages::{ALGORITHM, Authorization, Signature, StringToSign};
pub use timestamp::Timestamp;
pub use verify::{KnownCredentials, MAX_CLOCK_SKEW, Verified, verify};

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
