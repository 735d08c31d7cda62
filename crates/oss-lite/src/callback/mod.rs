//! Upload callbacks: OSS calls a server when an object is stored, before it answers the upload, and passes
//! the server's answer on.
//!
//! # Asking for one
//!
//! [`CallbackRequest`] says whom to call and with which [`CallbackBody`]; [`CallbackRequest::encode`] checks
//! it and makes it a [`Callback`], which goes into [`PutOptions`](crate::PutOptions), into
//! [`complete_multipart_upload_with_callback`](crate::Bucket::complete_multipart_upload_with_callback), into
//! a [`PostPolicy`](crate::PostPolicy), or as [`Callback::query`] into a signed URL for `PUT`. If the call
//! fails, the upload ends with [`ErrorKind::CallbackFailed`](crate::ErrorKind::CallbackFailed), and the
//! object is stored.
//!
//! # Being called
//!
//! A server hands what arrived to [`CallbackKeys::verify`] as [`CallbackParts`], which fetches and keeps the
//! public keys of OSS. [`key_url`] and [`verify`] are its two steps as pure functions. It must answer with
//! status 200 and a JSON body of known length (at most 1 MB, no BOM, not chunked) within 5 seconds; OSS does
//! not call again.
//!
//! # What a good signature proves
//!
//! **Little.** The key that OSS signs with has 512 bits. Since 2015 it takes hours and less than 100 dollars
//! of rented computers to factor one ([Factoring as a Service](https://eprint.iacr.org/2015/1000)), and who
//! has done so signs as OSS does. The digest is MD5. There is no date in what is signed, so an old call can
//! be sent again. A good signature keeps out noise, not an attacker. A server that acts on callbacks should
//! put a secret of its own into the body (such as a MAC of the upload's id, in a field that the policy
//! fixes), ask for the object by `HEAD` before it believes what the body says of it, and take repeated calls
//! as one.
//!
//! # What is signed
//!
//! The path, percent-decoded; `?` and the query as it came, if there is one; a line feed; the body. OSS's own
//! samples differ on `+` in a path: those in Python and Go leave it alone, those in Java and PHP read it as a
//! blank. Here it stays, as RFC 3986 has it, so callback URLs should have none in their path. A path that
//! decodes to one with `?` or a line feed is refused, since it could be passed off as another path with a
//! query or another body. A gateway that decodes or rewrites the path on the way breaks the signature; what
//! is handed over must be what OSS sent.
//!
//! [Callback](https://www.alibabacloud.com/help/en/oss/developer-reference/callback).
//!
//! ```
//! use oss_lite::callback::{CallbackBody, CallbackRequest, Variable};
//!
//! let body = CallbackBody::json()
//!     .text("upload", "0a1b2c")
//!     .variable("object", Variable::Object)
//!     .variable("size", Variable::Size);
//! let callback = CallbackRequest::new("https://desk.example.com/callback", body).encode()?;
//! # let _ = callback;
//! # Ok::<(), oss_lite::Error>(())
//! ```

mod body;
mod error;
mod key_url;
mod keys;
mod public_key;
mod request;
mod verify;

pub use body::{CallbackBody, CallbackBodyType, Variable};
pub use error::{CallbackError, CallbackErrorKind};
pub use key_url::{KeyUrl, key_url};
pub use keys::CallbackKeys;
pub use public_key::PublicKey;
pub use request::{Callback, CallbackRequest};
pub use verify::{CallbackParts, verify};
