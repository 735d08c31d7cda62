//! Access key, keyed state of the secret key, and token.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::error::{Error, ErrorKind};
use crate::masked::MaskedKey;
use crate::stages::{Signature, StringToSign};
use crate::wire::WireText;

/// An AK/SK pair, permanent or, with a security token, temporary.
///
/// The secret key is turned into a keyed HMAC state once and then forgotten; each signature starts from a
/// copy of that state, which saves two of five hash blocks. `Debug` shows neither key nor token.
///
/// Faults such as an empty key or a line end pasted with it are reported by [`sign`](crate::sign), before a
/// wrong signature can count towards the lock of the access key.
#[derive(Clone)]
pub struct Credentials {
    access_key: String,
    keyed: Hmac<Sha256>,
    security_token: Option<HeaderValue>,
    fault: Option<&'static str>,
}

impl Credentials {
    /// Permanent credentials.
    pub fn new(access_key: impl Into<String>, secret_key: impl Into<SecretString>) -> Self {
        let (access_key, secret_key) = (access_key.into(), secret_key.into());
        let fault = if access_key.is_empty() {
            Some("access key is empty")
        } else if !access_key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',') {
            Some("access key contains a blank, a comma or a character outside ASCII")
        } else if secret_key.expose_secret().is_empty() {
            Some("secret key is empty")
        } else if has_blank_around(secret_key.expose_secret()) {
            Some("secret key begins or ends with a blank or line end")
        } else {
            None
        };
        Self { access_key, keyed: keyed_state(secret_key.expose_secret()), security_token: None, fault }
    }

    /// Makes the credentials temporary: `token` is sent and signed as `x-security-token`
    /// ([vendor page](https://support.huaweicloud.com/en-us/devg-apisign/api-sign-securetoken.html)).
    #[must_use]
    pub fn with_security_token(mut self, token: impl Into<SecretString>) -> Self {
        let token = token.into();
        let token = token.expose_secret();
        match HeaderValue::from_str(token) {
            Ok(mut value) if !token.is_empty() && !has_blank_around(token) && token.is_ascii() => {
                value.set_sensitive(true);
                self.security_token = Some(value);
            }
            _ => {
                let fault = "security token is empty or has characters that no header can carry";
                self.fault = self.fault.or(Some(fault));
            }
        }
        self
    }

    /// The access key (AK).
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// Whether a security token belongs to them.
    pub fn is_temporary(&self) -> bool {
        self.security_token.is_some()
    }

    /// The signature of `string_to_sign` under the secret key.
    pub fn sign(&self, string_to_sign: &StringToSign) -> Signature {
        let mut mac = self.keyed.clone();
        string_to_sign.for_each_piece(&mut |piece| mac.update(piece));
        Signature::from_bytes(mac.finalize().into_bytes().into())
    }

    /// A digest keyed with the secret key, of `label` and the token: it distinguishes sets of credentials
    /// that share an access key, and reveals neither secret nor token. `HMAC-SHA256(secret key, label ‖
    /// token)`.
    pub fn fingerprint(&self, label: &[u8]) -> [u8; 32] {
        let mut mac = self.keyed.clone();
        mac.update(label);
        mac.update(self.security_token.as_ref().map_or(b"", HeaderValue::as_bytes));
        mac.finalize().into_bytes().into()
    }

    /// The security token, to hide it where an answer repeats it.
    pub fn security_token(&self) -> Option<&str> {
        // Only what is ASCII is taken.
        self.security_token.as_ref()?.to_str().ok()
    }

    pub(crate) fn security_token_header(&self) -> Option<&HeaderValue> {
        self.security_token.as_ref()
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        self.fault.map_or(Ok(()), |fault| Err(Error::new(ErrorKind::InvalidCredentials, fault)))
    }
}

fn has_blank_around(text: &str) -> bool {
    text.trim().len() != text.len()
}

#[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
fn keyed_state(secret_key: &str) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret_key.as_bytes()).expect("HMAC takes a key of any length")
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key", &MaskedKey(&self.access_key))
            .field("secret_key", &format_args!("****"))
            .field("security_token", &self.security_token.as_ref().map(|_| format_args!("****")))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let credentials =
            Credentials::new("QTWAOYTTINDUT2QVKYUC", "the-secret-key").with_security_token("the-token");
        let shown = format!("{credentials:?} {credentials:#?}");
        assert!(shown.contains("QTWA****") && credentials.is_temporary(), "{shown}");
        for secret in ["OYTT", "the-secret", "the-token"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn names_the_faulty_part_of_unusable_credentials() {
        let ok = || Credentials::new("AccessKey", "SecretKey");
        for (credentials, part) in [
            (Credentials::new("", "SecretKey"), "access key"),
            (Credentials::new("Access Key", "SecretKey"), "access key"),
            (Credentials::new("Access,Key", "SecretKey"), "access key"),
            (Credentials::new("AccessKey\n", "SecretKey"), "access key"),
            (Credentials::new("AccessKey", ""), "secret key"),
            (Credentials::new("AccessKey", "SecretKey\n"), "secret key"),
            (ok().with_security_token(""), "security token"),
            (ok().with_security_token("to\nken"), "security token"),
            (ok().with_security_token(" token"), "security token"),
            (ok().with_security_token("tokén"), "security token"),
        ] {
            let error = credentials.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
            assert!(error.to_string().starts_with(part), "{error}");
        }
        assert!(ok().with_security_token("token").check().is_ok());
    }
}
