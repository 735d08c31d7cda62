//! Who may invoke the function.
//!
//! An event makes the function write, overwrite and, with `PROPAGATE_DELETES`, delete objects at the destination. On a platform
//! only the platform reaches the port, and it checks who may invoke the function. Anywhere else each request must carry
//! `SERVE_TOKEN`. The token of `POST /objects` is not enough: it only lets its owner fetch from the hosts on a list. Loopback is no
//! exception: every process of the machine reaches it, and so does every page in a browser there.

use fc_adapter::Platform;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::token::Token;

/// Who may invoke the function.
#[derive(Clone, Debug)]
pub enum Access {
    /// Those that the platform lets in.
    OfPlatform,
    /// Those that show this token.
    Token(Token),
    /// Nobody: only what has a token of its own is served beside the function.
    Nobody,
}

/// What `serve` serves beside the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// `POST /objects`, by its own token.
    Ingest,
    /// Nothing.
    Nothing,
}

impl Access {
    /// The rule for `platform`; `token` is the setting `SERVE_TOKEN`.
    ///
    /// # Errors
    ///
    /// What is wrong with the setting. The message does not contain it.
    pub fn resolve(platform: Platform, token: Option<&str>, beside: Beside) -> Result<Self, String> {
        let token = token.map(str::trim).filter(|token| !token.is_empty());
        let token = token.map(Token::parse).transpose().map_err(|error| format!("SERVE_TOKEN: {error}"))?;
        match (platform, token, beside) {
            (Platform::Elsewhere, Some(token), _) => Ok(Self::Token(token)),
            (Platform::Elsewhere, None, Beside::Ingest) => Ok(Self::Nobody),
            (Platform::Elsewhere, None, Beside::Nothing) => Err(
                "SERVE_TOKEN: missing: outside Function Compute a request with an event must carry a token; take a random \
                 one, `openssl rand -hex 32`"
                    .to_owned(),
            ),
            // Its URL leaves `Authorization` to the function, and what is open to clients of ingest would be open for events.
            (Platform::TencentCloud, _, Beside::Ingest) => Err(
                "INGEST_TOKEN: not served on Tencent Cloud: a URL that lets its clients in would let everybody send events"
                    .to_owned(),
            ),
            _ => Ok(Self::OfPlatform),
        }
    }

    /// Whether a request with these headers may invoke the function.
    pub fn admits(&self, headers: &HeaderMap) -> bool {
        match self {
            Self::OfPlatform => true,
            Self::Token(token) => token.opens(headers.get(AUTHORIZATION)),
            Self::Nobody => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn admits(platform: Platform, token: Option<&str>, shown: Option<&'static str>) -> bool {
        let access = Access::resolve(platform, token, Beside::Ingest).unwrap();
        let mut headers = HeaderMap::new();
        headers.extend(shown.map(|shown| (AUTHORIZATION, HeaderValue::from_static(shown))));
        access.admits(&headers)
    }

    #[test]
    fn a_platform_decides_itself() {
        for platform in [Platform::FunctionCompute, Platform::TencentCloud] {
            for token in [None, Some(TOKEN)] {
                let access = Access::resolve(platform, token, Beside::Nothing).unwrap();
                assert!(access.admits(&HeaderMap::new()));
            }
        }
        assert!(admits(Platform::FunctionCompute, None, None));
        let refused = Access::resolve(Platform::TencentCloud, Some(TOKEN), Beside::Ingest).unwrap_err();
        assert!(refused.starts_with("INGEST_TOKEN:"), "{refused}");
    }

    #[test]
    fn elsewhere_the_token_and_nothing_else_opens() {
        assert!(admits(Platform::Elsewhere, Some(TOKEN), Some("Bearer 0123456789abcdef")));
        for (token, shown) in [
            (Some(TOKEN), None),
            (Some(TOKEN), Some("Bearer 0123456789abcdeg")),
            (None, None),
            (None, Some("Bearer ")),
            (Some(" "), Some("Bearer ")),
        ] {
            assert!(!admits(Platform::Elsewhere, token, shown), "{token:?} {shown:?}");
        }
    }

    #[test]
    fn without_a_token_there_must_be_something_else_to_serve() {
        let told = |token| Access::resolve(Platform::Elsewhere, token, Beside::Nothing).unwrap_err();
        assert!(told(None).starts_with("SERVE_TOKEN: missing"), "{}", told(None));
        assert!(told(Some("")).starts_with("SERVE_TOKEN: missing"));
        let short = told(Some("hush-short"));
        assert!(short.starts_with("SERVE_TOKEN: shorter than") && !short.contains("hush"), "{short}");
    }
}
