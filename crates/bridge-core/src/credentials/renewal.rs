//! Credentials of a RAM role, which expire and are fetched again before they do.
//!
//! | variables | provider |
//! |---|---|
//! | `ALIBABA_CLOUD_OIDC_TOKEN_FILE`, `…_ROLE_ARN`, `…_OIDC_PROVIDER_ARN` | STS, for the token in that file (RRSA) |
//! | `ALIBABA_CLOUD_ECS_METADATA`, the name of the role | the metadata service of the ECS instance |
//! | `ALIBABA_CLOUD_CREDENTIALS_URI` | that URI |
//!
//! In the order of Alibaba's own SDKs, and with their variables:
//! <https://www.alibabacloud.com/help/en/sdk/developer-reference/v2-manage-go-access-credentials>. No
//! metadata service is called unless a variable names the role. Any other OIDC provider works as RRSA does.
//!
//! How long credentials are valid is computed from the date of the answer that brings them: this machine's
//! clock may be wrong.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::header::{CONTENT_TYPE, DATE, HeaderValue};
use http::{HeaderMap, Method};
use oss_lite::Credentials;
use reqwest::{Request, Response, Url};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::credentials;
use http_client::{self, Proxies};

/// How long before the old ones expire new ones are fetched, at most half of their life.
const EARLY: Duration = Duration::from_mins(5);

/// Shortest time between a failure and the next request.
const AGAIN: Duration = Duration::from_secs(10);

/// Time for one answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Longest answer that is read.
const LONGEST: usize = 64 * 1024;

/// Why there are no new credentials.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{variable}: {error}")]
pub struct RenewalError {
    /// The variable that names the provider.
    variable: &'static str,
    error: FetchError,
}

/// What went wrong with one request. Never quotes an answer, which may contain secrets.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
enum FetchError {
    #[error("{file}: {why}")]
    TokenFile { file: String, why: String },
    #[error("invalid URL: {0}")]
    Url(String),
    #[error("no response: {0}")]
    NoAnswer(String),
    #[error("no response in time")]
    TimeUp,
    #[error("the response broke off: {0}")]
    BrokenOff(String),
    #[error("{}", format!("{status} {code}").trim_end())]
    Refused { status: u16, code: String },
    #[error("the response {0}")]
    Answer(&'static str),
}

/// Provides credentials that are always valid.
#[derive(Debug)]
pub(super) struct Renewal {
    provider: CredentialsSource,
    state: Mutex<RenewalState>,
}

#[derive(Debug, Default)]
struct RenewalState {
    kept: Option<CachedCredentials>,
    failed: Option<(Instant, RenewalError)>,
}

#[derive(Debug)]
struct CachedCredentials {
    credentials: Arc<Credentials>,
    fetched: Instant,
    fetched_at: DateTime<Utc>,
    life: Duration,
}

impl CachedCredentials {
    /// By both clocks: the monotonic one stands still while the machine sleeps, and the wall clock can be
    /// set.
    fn age(&self, now: DateTime<Utc>) -> Duration {
        let by_wall = (now - self.fetched_at).to_std().unwrap_or_default();
        self.fetched.elapsed().max(by_wall)
    }
}

/// Where credentials are fetched.
enum CredentialsSource {
    Oidc {
        http: reqwest::Client,
        sts: String,
        role: String,
        provider: String,
        token_file: String,
        session: String,
    },
    Ecs {
        http: reqwest::Client,
        service: String,
        role: String,
        token_alone: bool,
    },
    Uri {
        http: reqwest::Client,
        uri: String,
    },
}

impl fmt::Debug for CredentialsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StsCredentials {
    access_key_id: String,
    #[serde(deserialize_with = "secret")]
    access_key_secret: SecretString,
    #[serde(deserialize_with = "secret")]
    security_token: SecretString,
    expiration: DateTime<Utc>,
}

fn secret<'de, D: Deserializer<'de>>(value: D) -> Result<SecretString, D::Error> {
    String::deserialize(value).map(SecretString::from)
}

/// STS puts them into a member of its own.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Sts {
        #[serde(rename = "Credentials")]
        credentials: StsCredentials,
    },
    Plain(StsCredentials),
}

impl Renewal {
    /// The provider that the environment names, if it names one.
    pub(super) fn find(variable: impl Fn(&str) -> Option<String>, http: &reqwest::Client) -> Option<Self> {
        let value = |name: &str| variable(name).filter(|value| !value.is_empty());
        let is = |name: &str| value(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let oidc = || {
            Some(CredentialsSource::Oidc {
                http: http.clone(),
                role: value("ALIBABA_CLOUD_ROLE_ARN")?,
                provider: value("ALIBABA_CLOUD_OIDC_PROVIDER_ARN")?,
                token_file: value("ALIBABA_CLOUD_OIDC_TOKEN_FILE")?,
                session: value("ALIBABA_CLOUD_ROLE_SESSION_NAME").unwrap_or_else(|| "oms-bridge".to_owned()),
                sts: match value("ALIBABA_CLOUD_STS_REGION") {
                    Some(region) if is("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED") => {
                        format!("https://sts-vpc.{region}.aliyuncs.com/")
                    }
                    Some(region) => format!("https://sts.{region}.aliyuncs.com/"),
                    None => "https://sts.aliyuncs.com/".to_owned(),
                },
            })
        };
        let ecs = || {
            Some(CredentialsSource::Ecs {
                role: value("ALIBABA_CLOUD_ECS_METADATA")
                    .filter(|_| !is("ALIBABA_CLOUD_ECS_METADATA_DISABLED"))?,
                // The address is one of the machine itself.
                http: http_client::build(Proxies::None).ok()?,
                service: "http://100.100.100.200".to_owned(),
                token_alone: is("ALIBABA_CLOUD_IMDSV1_DISABLED"),
            })
        };
        let uri = || {
            Some(CredentialsSource::Uri { http: http.clone(), uri: value("ALIBABA_CLOUD_CREDENTIALS_URI")? })
        };
        oidc().or_else(ecs).or_else(uri).map(Self::new)
    }

    fn new(provider: CredentialsSource) -> Self {
        Self { provider, state: Mutex::default() }
    }

    /// Credentials that are valid at `now` by this machine's clock. Callers that come while new ones are
    /// fetched wait for those.
    ///
    /// # Errors
    ///
    /// [`RenewalError`], when the old ones have expired as well.
    pub(super) async fn at(&self, now: DateTime<Utc>) -> Result<Arc<Credentials>, RenewalError> {
        let mut state = self.state.lock().await;
        let usable =
            |kept: &&CachedCredentials, early: Duration| kept.age(now) + early.min(kept.life / 2) < kept.life;
        if let Some(kept) = state.kept.as_ref().filter(|kept| usable(kept, EARLY)) {
            return Ok(Arc::clone(&kept.credentials));
        }
        let lately = state.failed.clone().filter(|(when, _)| when.elapsed() < AGAIN);
        let error = match lately {
            Some((_, error)) => error,
            None => match self.provider.fetch(now).await {
                Ok(kept) => {
                    state.failed = None;
                    return Ok(Arc::clone(&state.kept.insert(kept).credentials));
                }
                Err(error) => {
                    let error = RenewalError { variable: self.provider.name(), error };
                    if state.failed.as_ref().is_none_or(|(_, before)| *before != error) {
                        tracing::warn!(%error, "no new credentials for OSS");
                    }
                    state.failed = Some((Instant::now(), error.clone()));
                    error
                }
            },
        };
        let kept = state.kept.as_ref().filter(|kept| usable(kept, Duration::ZERO));
        kept.map(|kept| Arc::clone(&kept.credentials)).ok_or(error)
    }
}

impl CredentialsSource {
    /// The variable that names it.
    fn name(&self) -> &'static str {
        match self {
            Self::Oidc { .. } => "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
            Self::Ecs { .. } => "ALIBABA_CLOUD_ECS_METADATA",
            Self::Uri { .. } => "ALIBABA_CLOUD_CREDENTIALS_URI",
        }
    }

    async fn fetch(&self, now: DateTime<Utc>) -> Result<CachedCredentials, FetchError> {
        let response = match self {
            Self::Oidc { http, token_file, .. } => {
                let token = tokio::fs::read_to_string(token_file).await;
                let token = token.map_err(|error| FetchError::TokenFile {
                    file: token_file.clone(),
                    why: error.to_string(),
                })?;
                send(http, self.oidc_request(token.trim(), now)?).await?
            }
            Self::Ecs { http, service, role, token_alone } => {
                let token = metadata_token(http, service).await;
                if *token_alone && let Err(error) = token {
                    return Err(error);
                }
                let path = format!("{service}/latest/meta-data/ram/security-credentials/{role}");
                let mut request = get(&path)?;
                if let Ok(token) = token {
                    request.headers_mut().insert("x-aliyun-ecs-metadata-token", token);
                }
                send(http, request).await?
            }
            Self::Uri { http, uri } => send(http, get(uri)?).await?,
        };
        let date = date(response.headers()).unwrap_or(now);
        let answer = text(response).await?;
        let answer: Answer =
            serde_json::from_str(&answer).map_err(|_| FetchError::Answer("holds no credentials"))?;
        let (Answer::Sts { credentials: given } | Answer::Plain(given)) = answer;
        let life = (given.expiration - date)
            .to_std()
            .map_err(|_| FetchError::Answer("holds expired credentials"))?;
        let made = credentials(given.access_key_id, given.access_key_secret, Some(given.security_token));
        Ok(CachedCredentials { credentials: Arc::new(made), fetched: Instant::now(), fetched_at: now, life })
    }

    /// <https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerolewithoidc>:
    /// unsigned.
    fn oidc_request(&self, token: &str, now: DateTime<Utc>) -> Result<Request, FetchError> {
        let Self::Oidc { sts, role, provider, session, .. } = self else {
            return Err(FetchError::Url("not of STS".to_owned()));
        };
        let time = now.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let query = form(&[
            ("Action", "AssumeRoleWithOIDC"),
            ("Format", "JSON"),
            ("Version", "2015-04-01"),
            ("Timestamp", &time),
        ]);
        let mut request = Request::new(Method::POST, url(&format!("{sts}?{query}"))?);
        let body = form(&[
            ("RoleArn", role),
            ("OIDCProviderArn", provider),
            ("OIDCToken", token),
            ("RoleSessionName", session),
            ("DurationSeconds", "3600"),
        ]);
        *request.body_mut() = Some(body.into());
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, form);
        Ok(request)
    }
}

/// Hardened instances answer no request without one.
async fn metadata_token(http: &reqwest::Client, service: &str) -> Result<HeaderValue, FetchError> {
    let mut request = Request::new(Method::PUT, url(&format!("{service}/latest/api/token"))?);
    let life = HeaderValue::from_static("21600");
    request.headers_mut().insert("x-aliyun-ecs-metadata-token-ttl-seconds", life);
    let token = text(send(http, request).await?).await?;
    let mut token = HeaderValue::try_from(token.trim()).map_err(|_| FetchError::Answer("is not a token"))?;
    token.set_sensitive(true);
    Ok(token)
}

fn get(text: &str) -> Result<Request, FetchError> {
    Ok(Request::new(Method::GET, url(text)?))
}

fn url(text: &str) -> Result<Url, FetchError> {
    Url::parse(text)
        .map_err(|_| FetchError::Url("expected one such as http://127.0.0.1/credentials".to_owned()))
}

/// The error of STS and of the metadata service.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorBody {
    code: String,
}

async fn send(http: &reqwest::Client, request: Request) -> Result<Response, FetchError> {
    let response = match timeout(PATIENCE, http.execute(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(FetchError::NoAnswer(oss_lite::root_cause(&error.without_url()))),
        Err(_) => return Err(FetchError::TimeUp),
    };
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let refusal = text(response).await.ok().and_then(|text| serde_json::from_str::<ErrorBody>(&text).ok());
    let code = refusal.map(|refusal| refusal.code).unwrap_or_default();
    Err(FetchError::Refused { status: status.as_u16(), code })
}

async fn text(mut response: Response) -> Result<String, FetchError> {
    let read = async {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LONGEST {
                break;
            }
        }
        Ok::<_, reqwest::Error>(bytes)
    };
    match timeout(PATIENCE, read).await {
        Ok(Ok(bytes)) => String::from_utf8(bytes).map_err(|_| FetchError::Answer("is not text")),
        Ok(Err(error)) => Err(FetchError::BrokenOff(oss_lite::root_cause(&error.without_url()))),
        Err(_) => Err(FetchError::Answer("does not end")),
    }
}

fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let date = headers.get(DATE)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(date).ok().map(|date| date.to_utc())
}

fn form(pairs: &[(&str, &str)]) -> String {
    let encoded = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests;
