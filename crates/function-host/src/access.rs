//! Who may invoke the function.
//!
//! An event makes the function write, overwrite and, with `PROPAGATE_DELETES`, delete objects at the
//! destination. On Function Compute only the platform reaches the port, and it checks who may invoke the
//! function. Anywhere else each request must carry `SERVE_TOKEN`. That includes Tencent Cloud, which passes
//! every request to the function's URL or gateway on to a web function, and nothing in a request
//! distinguishes a client from the platform. If the function has neither, [`Trust::Platform`] says so. The
//! token of `POST /objects` is not enough: it only permits fetching from the hosts on a list. Loopback is no
//! exception: every process on the machine can reach it, and so can every page in a browser there.

use fc_adapter::Platform;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use http_listener::token::Token;
use object_copy::header;
use settings::{Invalid, Problem};

const SERVE_TOKEN: &str = "SERVE_TOKEN";

/// Who may invoke the function.
#[derive(Clone, Debug)]
pub enum Access {
    /// Everybody whom the platform lets in.
    OfPlatform,
    /// Everybody with this token.
    Token(Token),
    /// Nobody: only interfaces with a token of their own are served.
    Nobody,
}

/// Who vouches for events on Tencent Cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The platform: nobody else can reach the function.
    Platform,
    /// The token.
    Token,
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
    pub fn resolve(
        platform: Platform,
        token: Option<&str>,
        beside: Beside,
        trust: Trust,
    ) -> Result<Self, Problem> {
        let token = token.map(str::trim).filter(|token| !token.is_empty());
        let token = token
            .map(Token::parse)
            .transpose()
            .map_err(|error| Problem::new(SERVE_TOKEN, Invalid::new(error)))?;
        if platform == Platform::FunctionCompute {
            return Ok(Self::OfPlatform);
        }
        let trusted = platform == Platform::TencentCloud && trust == Trust::Platform;
        match (token, beside) {
            (Some(token), _) => Ok(Self::Token(token)),
            // Clients of ingest could send events too.
            (None, Beside::Ingest) if trusted => {
                let what =
                    "its clients can reach the function, so --trust-platform would let them send events";
                Err(Problem::new(
                    "INGEST_TOKEN",
                    Invalid::new(what).with_remedy("set SERVE_TOKEN instead of --trust-platform"),
                ))
            }
            (None, Beside::Nothing) if trusted => Ok(Self::OfPlatform),
            (None, Beside::Ingest) => Ok(Self::Nobody),
            (None, Beside::Nothing) => {
                let what = "missing: outside Function Compute a request with an event must carry a token";
                let trust = match platform {
                    Platform::TencentCloud => {
                        ". For a function without URL and gateway there is --trust-platform"
                    }
                    _ => "",
                };
                let remedy = format!("take a random one, `openssl rand -hex 32`{trust}");
                Err(Problem::new(SERVE_TOKEN, Invalid::new(what).with_remedy(remedy)))
            }
        }
    }

    /// Whether a request with these headers may invoke the function.
    pub fn admits(&self, headers: &HeaderMap) -> bool {
        match self {
            Self::OfPlatform => true,
            Self::Token(token) => token.opens(header::only(headers, AUTHORIZATION)),
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
        let access = Access::resolve(platform, token, Beside::Ingest, Trust::Token).unwrap();
        let mut headers = HeaderMap::new();
        headers.extend(shown.map(|shown| (AUTHORIZATION, HeaderValue::from_static(shown))));
        access.admits(&headers)
    }

    #[test]
    fn on_function_compute_the_platform_decides() {
        for trust in [Trust::Platform, Trust::Token] {
            for token in [None, Some(TOKEN)] {
                let access =
                    Access::resolve(Platform::FunctionCompute, token, Beside::Nothing, trust).unwrap();
                assert!(access.admits(&HeaderMap::new()));
            }
        }
        assert!(admits(Platform::FunctionCompute, None, None));
    }

    #[test]
    fn on_tencent_cloud_the_token_is_required_unless_the_platform_is_trusted() {
        assert!(admits(Platform::TencentCloud, Some(TOKEN), Some("Bearer 0123456789abcdef")));
        assert!(!admits(Platform::TencentCloud, Some(TOKEN), None));
        assert!(!admits(Platform::TencentCloud, None, None));
        let resolve = |token, beside, trust| Access::resolve(Platform::TencentCloud, token, beside, trust);
        let missing = resolve(None, Beside::Nothing, Trust::Token).unwrap_err().to_string();
        assert!(
            missing.starts_with("SERVE_TOKEN: missing") && missing.contains("--trust-platform"),
            "{missing}"
        );
        let trusted = resolve(None, Beside::Nothing, Trust::Platform).unwrap();
        assert!(trusted.admits(&HeaderMap::new()));
        let refused = resolve(None, Beside::Ingest, Trust::Platform).unwrap_err().to_string();
        assert!(refused.starts_with("INGEST_TOKEN:"), "{refused}");
        let elsewhere = Access::resolve(Platform::Elsewhere, None, Beside::Nothing, Trust::Platform);
        assert!(elsewhere.is_err(), "there is no platform to trust");
    }

    #[test]
    fn elsewhere_the_token_is_required() {
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
    fn without_a_token_there_must_be_another_interface_to_serve() {
        let told = |token| {
            let access = Access::resolve(Platform::Elsewhere, token, Beside::Nothing, Trust::Token);
            access.unwrap_err().to_string()
        };
        assert!(told(None).starts_with("SERVE_TOKEN: missing"), "{}", told(None));
        assert!(told(Some("")).starts_with("SERVE_TOKEN: missing"));
        let short = told(Some("hush-short"));
        assert!(short.starts_with("SERVE_TOKEN: shorter than") && !short.contains("hush"), "{short}");
    }
}
