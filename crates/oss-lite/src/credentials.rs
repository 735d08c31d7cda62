//! Access keys, masked in `Debug`.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// An access key pair, with the token that belongs to it when the credentials are temporary (STS).
///
/// `Debug` shows the access key id only.
#[derive(Clone)]
pub struct Credentials {
    access_key_id: String,
    secret: SecretString,
    security_token: Option<SecretString>,
}

impl Credentials {
    /// Permanent credentials.
    pub fn new(access_key_id: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        Self { access_key_id: access_key_id.into(), secret: secret.into(), security_token: None }
    }

    /// Makes the credentials temporary: the token is sent and signed with every request.
    #[must_use]
    pub fn with_security_token(mut self, token: impl Into<SecretString>) -> Self {
        self.security_token = Some(token.into());
        self
    }

    /// The public half, as it stands in every signature.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// A digest keyed with the secret, of `label` and the token: it distinguishes sets of credentials that
    /// share an access key, and reveals neither secret nor token. `HMAC-SHA256(secret, label ‖ token)`.
    pub fn fingerprint(&self, label: &[u8]) -> [u8; 32] {
        let mut mac = keyed(&self.secret);
        mac.update(label);
        mac.update(self.security_token.as_ref().map_or("", ExposeSecret::expose_secret).as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The secret half, for a request that must hand it on to another service.
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// The token of temporary credentials, for a request that must hand it on to another service.
    pub fn security_token(&self) -> Option<&SecretString> {
        self.security_token.as_ref()
    }
}

#[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length")]
fn keyed(secret: &SecretString) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret.expose_secret().as_bytes()).expect("HMAC takes a key of any length")
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .field("secret", &"******")
            .field("security_token", &self.security_token.as_ref().map(|_| "******"))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_tells_secrets_and_tokens_apart() {
        let of = |secret: &str, token: Option<&str>, label: &[u8]| {
            let credentials = Credentials::new("the-id", secret);
            let credentials = match token {
                Some(token) => credentials.with_security_token(token),
                None => credentials,
            };
            credentials.fingerprint(label)
        };
        let one = of("secret", None, b"label");
        assert_eq!(one, of("secret", None, b"label"));
        for other in
            [of("other", None, b"label"), of("secret", Some("token"), b"label"), of("secret", None, b"other")]
        {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn debug_hides_secret_and_token() {
        let text = format!("{:?}", Credentials::new("the-id", "the-secret").with_security_token("the-token"));
        assert!(text.contains("the-id"), "{text}");
        assert!(!text.contains("the-secret") && !text.contains("the-token"), "{text}");
    }
}
