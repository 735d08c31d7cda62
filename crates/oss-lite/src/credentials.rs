use std::fmt;

use secrecy::SecretString;

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

    pub(crate) fn secret(&self) -> &SecretString {
        &self.secret
    }

    pub(crate) fn security_token(&self) -> Option<&SecretString> {
        self.security_token.as_ref()
    }
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
    fn debug_hides_secret_and_token() {
        let text = format!("{:?}", Credentials::new("the-id", "the-secret").with_security_token("the-token"));
        assert!(text.contains("the-id"), "{text}");
        assert!(!text.contains("the-secret") && !text.contains("the-token"), "{text}");
    }
}
