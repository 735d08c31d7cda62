//! The temporary credentials of the function's role.

use secrecy::SecretString;

/// Credentials of the function's role, for calls to other Alibaba Cloud services.
///
/// The parts always come from one place: a key pair of one source is never joined with the token of another.
/// `Debug` masks the secret and the token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FcCredentials {
    /// The access key id, `STS.…` for the credentials of a role.
    pub access_key_id: String,
    /// The secret that belongs to the id.
    pub access_key_secret: SecretString,
    /// The token that a temporary key pair needs; absent where the platform sent a bare pair.
    pub security_token: Option<SecretString>,
}

impl FcCredentials {
    /// Credentials out of their three parts.
    pub fn new(
        access_key_id: impl Into<String>,
        access_key_secret: impl Into<SecretString>,
        security_token: Option<SecretString>,
    ) -> Self {
        Self {
            access_key_id: access_key_id.into(),
            access_key_secret: access_key_secret.into(),
            security_token,
        }
    }

    /// Reads one source: id, secret, token. A source without id or secret has no credentials.
    pub(crate) fn from_source(parts: [Option<&str>; 3]) -> Option<Found<'_>> {
        let [id, secret, token] = parts;
        Some(Found { id: id?, secret: secret?, token })
    }
}

/// Credentials where they were found, not copied yet.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    id: &'a str,
    secret: &'a str,
    token: Option<&'a str>,
}

impl Found<'_> {
    pub(crate) fn is_complete(&self) -> bool {
        self.token.is_some()
    }

    pub(crate) fn to_credentials(self) -> FcCredentials {
        FcCredentials::new(self.id, self.secret, self.token.map(SecretString::from))
    }
}

/// Chooses between the credentials of the request and those of the instance.
///
/// A set with a token wins over one without, because runtimes exist that withhold the token header and give
/// the whole set in the environment only; among equals the request wins, because its set is the fresher one.
pub(crate) fn choose(request: Option<Found<'_>>, instance: Option<&FcCredentials>) -> Option<FcCredentials> {
    match (request, instance) {
        (Some(found), Some(own)) if !found.is_complete() && own.security_token.is_some() => Some(own.clone()),
        (Some(found), _) => Some(found.to_credentials()),
        (None, own) => own.cloned(),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn own(token: Option<&str>) -> FcCredentials {
        FcCredentials::new("own-id", "own-secret", token.map(SecretString::from))
    }

    fn request(token: Option<&'static str>) -> Option<Found<'static>> {
        FcCredentials::from_source([Some("req-id"), Some("req-secret"), token])
    }

    fn chosen(
        request: Option<Found<'_>>,
        instance: Option<&FcCredentials>,
    ) -> (String, String, Option<String>) {
        let chosen = choose(request, instance).unwrap();
        let token = chosen.security_token.map(|token| token.expose_secret().to_owned());
        (chosen.access_key_id, chosen.access_key_secret.expose_secret().to_owned(), token)
    }

    fn set(owner: &str, token: Option<&str>) -> (String, String, Option<String>) {
        (format!("{owner}-id"), format!("{owner}-secret"), token.map(str::to_owned))
    }

    #[test]
    fn a_whole_set_of_the_request_wins() {
        assert_eq!(chosen(request(Some("t")), Some(&own(Some("o")))), set("req", Some("t")));
    }

    #[test]
    fn a_bare_pair_yields_to_a_whole_set_of_the_instance_and_is_never_mixed_with_it() {
        assert_eq!(chosen(request(None), Some(&own(Some("o")))), set("own", Some("o")));
    }

    #[test]
    fn a_bare_pair_is_used_when_the_instance_has_nothing_better() {
        assert_eq!(chosen(request(None), Some(&own(None))), set("req", None));
        assert_eq!(chosen(request(None), None), set("req", None));
    }

    #[test]
    fn the_instance_serves_requests_without_credentials() {
        assert_eq!(chosen(None, Some(&own(Some("o")))), set("own", Some("o")));
        assert!(choose(None, None).is_none());
        assert!(FcCredentials::from_source([Some("id"), None, Some("t")]).is_none());
    }

    #[test]
    fn debug_masks_secret_and_token() {
        let text = format!("{:?}", FcCredentials::new("visible-id", "hush", Some("quiet".into())));
        assert!(text.contains("visible-id"), "{text}");
        assert!(!text.contains("hush") && !text.contains("quiet"), "{text}");
    }
}
