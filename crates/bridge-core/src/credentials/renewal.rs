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
    #[error("no URL: {0}")]
    Url(String),
    #[error("no answer: {0}")]
    NoAnswer(String),
    #[error("no answer in time")]
    TimeUp,
    #[error("the answer broke off: {0}")]
    BrokenOff(String),
    #[error("{}", format!("{status} {code}").trim_end())]
    Refused { status: u16, code: String },
    #[error("the answer {0}")]
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
    let mut token = HeaderValue::try_from(token.trim()).map_err(|_| FetchError::Answer("is no token"))?;
    token.set_sensitive(true);
    Ok(token)
}

fn get(text: &str) -> Result<Request, FetchError> {
    Ok(Request::new(Method::GET, url(text)?))
}

fn url(text: &str) -> Result<Url, FetchError> {
    Url::parse(text).map_err(|error| FetchError::Url(error.to_string()))
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
        Ok(Err(error)) => return Err(FetchError::NoAnswer(http_client::root_cause(&error.without_url()))),
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
        Ok(Ok(bytes)) => String::from_utf8(bytes).map_err(|_| FetchError::Answer("is no text")),
        Ok(Err(error)) => Err(FetchError::BrokenOff(http_client::root_cause(&error.without_url()))),
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
mod tests {
    use bytes::Bytes;
    use chrono::TimeDelta;
    use e2e::web::{WebReply, WebServer};

    use super::*;

    fn client() -> reqwest::Client {
        http_client::build(Proxies::None).unwrap()
    }

    fn found(pairs: &'static [(&str, &str)]) -> Option<&'static str> {
        let variable =
            |name: &str| pairs.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
        Renewal::find(variable, &client()).map(|renewal| renewal.provider.name())
    }

    #[test]
    fn who_gives_credentials_is_told_by_the_variables_of_alibabas_own_sdks() {
        const URI: (&str, &str) = ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/");
        const ECS: (&str, &str) = ("ALIBABA_CLOUD_ECS_METADATA", "role");
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[URI]), Some(URI.0));
        assert_eq!(found(&[URI, ECS]), Some(ECS.0));
        assert_eq!(found(&[URI, ECS, ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")]), Some(URI.0));
        assert_eq!(found(&[URI, ("ALIBABA_CLOUD_ROLE_ARN", "half")]), Some(URI.0));
        let oidc = &[
            ECS,
            ("ALIBABA_CLOUD_ROLE_ARN", "r"),
            ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "p"),
            ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "f"),
        ];
        assert_eq!(found(oidc), Some("ALIBABA_CLOUD_OIDC_TOKEN_FILE"));
    }

    /// Numbered credentials that are good for an hour, where the clock is `ahead`.
    fn answer(number: usize, ahead: TimeDelta) -> WebReply {
        let now = Utc::now() + ahead;
        let end = (now + TimeDelta::hours(1)).format("%Y-%m-%dT%H:%M:%SZ");
        let body = format!(
            r#"{{"Code":"Success","AccessKeyId":"key-{number}","AccessKeySecret":"hush","SecurityToken":"t","Expiration":"{end}"}}"#
        );
        let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        WebReply::whole(&Bytes::from(body)).header("date", date)
    }

    #[tokio::test]
    async fn credentials_are_fetched_again_before_they_end_by_the_clock_of_who_gives_them() {
        // This machine's clock is two days slow.
        let numbers = std::sync::atomic::AtomicUsize::default();
        let server = WebServer::start(move |_| {
            let number = numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if number < 2 { answer(number, TimeDelta::days(2)) } else { WebReply::new(500) }
        })
        .await;
        let renewal = Renewal::new(CredentialsSource::Uri { http: client(), uri: server.url("/") });
        let start = Utc::now();
        for (minutes, key) in
            [(0, Some("key-0")), (54, Some("key-0")), (56, Some("key-1")), (112, Some("key-1")), (117, None)]
        {
            let found = renewal.at(start + TimeDelta::minutes(minutes)).await.ok();
            let key_id = found.as_ref().map(|credentials| credentials.access_key_id());
            assert_eq!(key_id, key, "minute {minutes}");
        }
        let error = renewal.at(start + TimeDelta::minutes(118)).await.unwrap_err();
        assert_eq!(error.to_string(), "ALIBABA_CLOUD_CREDENTIALS_URI: 500");
        // Not once for each caller.
        assert_eq!(server.requests().len(), 3);
        assert!(!format!("{renewal:?}").contains("hush"), "{renewal:?}");
    }

    #[tokio::test]
    async fn an_instance_gives_the_credentials_of_its_role_to_who_shows_its_token() {
        let server = WebServer::start(|request| match (&*request.method, &*request.target) {
            ("PUT", "/latest/api/token") => WebReply::whole(&Bytes::from("metadata-token")),
            ("GET", "/latest/meta-data/ram/security-credentials/writer")
                if request.header("x-aliyun-ecs-metadata-token") == Some("metadata-token") =>
            {
                answer(7, TimeDelta::zero())
            }
            _ => WebReply::new(404),
        })
        .await;
        let ecs = |role: &str| CredentialsSource::Ecs {
            http: client(),
            service: server.url(""),
            role: role.to_owned(),
            token_alone: true,
        };
        let found = Renewal::new(ecs("writer")).at(Utc::now()).await.unwrap();
        assert_eq!(found.access_key_id(), "key-7");
        let error = Renewal::new(ecs("nobody")).at(Utc::now()).await.unwrap_err();
        assert_eq!(error.to_string(), "ALIBABA_CLOUD_ECS_METADATA: 404");
    }

    #[test]
    fn sts_is_asked_for_a_role_with_the_token_of_a_file() {
        let provider = CredentialsSource::Oidc {
            http: client(),
            sts: "https://sts.cn-hangzhou.aliyuncs.com/".into(),
            role: "acs:ram::1:role/r".into(),
            provider: "acs:ram::1:oidc-provider/p".into(),
            token_file: "f".into(),
            session: "s".into(),
        };
        let request = provider.oidc_request("e.y.J+/=", DateTime::UNIX_EPOCH).unwrap();
        assert_eq!(
            request.url().as_str(),
            "https://sts.cn-hangzhou.aliyuncs.com/?Action=AssumeRoleWithOIDC&Format=JSON&Version=2015%2D04%2D01\
             &Timestamp=1970%2D01%2D01T00%3A00%3A00Z"
        );
        assert_eq!(
            request.body().and_then(|body| body.as_bytes()),
            Some(
                &b"RoleArn=acs%3Aram%3A%3A1%3Arole%2Fr&OIDCProviderArn=acs%3Aram%3A%3A1%3Aoidc%2Dprovider%2Fp\
                   &OIDCToken=e%2Ey%2EJ%2B%2F%3D&RoleSessionName=s&DurationSeconds=3600"[..]
            )
        );
        assert!(!format!("{provider:?}").contains("e.y.J"));
        let answer = r#"{"RequestId":"1","Credentials":{"AccessKeyId":"a","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2026-11-29T09:00:00Z"}}"#;
        assert!(
            matches!(serde_json::from_str(answer), Ok(Answer::Sts { credentials }) if credentials.access_key_id == "a")
        );
    }
}
