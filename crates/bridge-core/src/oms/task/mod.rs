//! The state of a sync task, as OMS reports it: reading only.
//!
//! API: [ShowSyncTask](https://support.huaweicloud.com/api-oms/ShowSyncTask.md),
//! [ListSyncTaskStatistic](https://support.huaweicloud.com/api-oms/ListSyncTaskStatistic.html).
//!
//! Every call makes one request and never repeats it: the gateway locks an access key after more than five
//! bad signatures, and the caller can repeat the call. A request needs a permit of the access key's
//! [breaker](signature_breaker), which learns the result. An answer is believed if it is the service's:
//! success, without an error in it, and about a task.

mod reply;

use std::time::Duration;

use apig_signer::{Credentials, Payload, SigningParams};
use chrono::{DateTime, Utc};
use http::{HeaderMap, Method, Uri};
use oss_lite::SignatureVerdict;
use reqwest::{Request, Url};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

pub use self::reply::{ApiError, ApiErrorKind, Statistics, SyncTask};
use super::reply::{ReplyError, believed, of_signature};
use super::target::SyncUrl;
use super::transport::{TIMEOUT, date, header, read};
use signature_breaker::{Breaker, NoPermit};

/// Longest answer that is read. A day of statistics in steps of five minutes has 70 kB.
const MAX_ANSWER: usize = 1024 * 1024;

/// One sync task at OMS.
#[derive(Clone, Debug)]
pub struct OmsApi {
    http: reqwest::Client,
    task: Url,
    credentials: Credentials,
    breaker: Breaker,
}

impl OmsApi {
    /// Reads the task that `target` belongs to through `http`, which must not follow redirects. `breaker` is
    /// that of the credentials.
    pub fn new(http: reqwest::Client, target: &SyncUrl, credentials: Credentials, breaker: Breaker) -> Self {
        Self { http, task: target.task_url(), credentials, breaker }
    }

    /// The service's clock, from its answer to one unsigned request: no permission is needed and no failure
    /// counted.
    ///
    /// # Errors
    ///
    /// When OMS cannot be reached, or its answer has no date.
    pub async fn server_time(&self) -> Result<DateTime<Utc>, ApiError> {
        let mut url = self.task.clone();
        url.set_path("/");
        let mut request = Request::new(Method::HEAD, url);
        *request.timeout_mut() = Some(TIMEOUT);
        let answer = self.http.execute(request).await.map_err(ApiError::transport)?;
        date(answer.headers()).ok_or_else(|| ApiError::local("the response has no date"))
    }

    /// The task and its counters of the month that `now` is in. Needs `oms:synctask:get`.
    ///
    /// # Errors
    ///
    /// [`ApiError`].
    pub async fn show(&self, now: DateTime<Utc>) -> Result<SyncTask, ApiError> {
        let mut url = self.task.clone();
        url.query_pairs_mut().append_pair("query_time", &now.timestamp_millis().to_string());
        self.get(url, now, "status").await
    }

    /// The statistics of the task for the `span` before `now`. Needs `oms:synctask:statistics`.
    ///
    /// # Errors
    ///
    /// [`ApiError`].
    pub async fn statistics(&self, span: Duration, now: DateTime<Utc>) -> Result<Statistics, ApiError> {
        let end = now.timestamp_millis();
        let start = end - i64::try_from(span.as_millis()).unwrap_or(end);
        let mut url = self.task.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push("statistics");
        }
        url.query_pairs_mut()
            .append_pair("data_type", "REQUEST,SUCCESS,FAILURE,SKIP,SIZE")
            .append_pair("start_time", &start.to_string())
            .append_pair("end_time", &end.to_string());
        self.get(url, now, "statistic_datas").await.map(|series: reply::Series| series.total())
    }

    /// The answer to a GET, if it has `member`, which every such answer has.
    async fn get<T: DeserializeOwned>(
        &self,
        url: Url,
        now: DateTime<Utc>,
        member: &str,
    ) -> Result<T, ApiError> {
        let mut headers = HeaderMap::new();
        self.sign(&url, &mut headers, now).map_err(|error| ApiError::unsigned(&error))?;
        let mut request = Request::new(Method::GET, url);
        *request.headers_mut() = headers;
        *request.timeout_mut() = Some(TIMEOUT);
        let permit = match self.breaker.permit(Some(Instant::now() + TIMEOUT)).await {
            Ok(permit) => permit,
            Err(NoPermit::Shut(shut)) => return Err(ApiError::withheld(&shut)),
            Err(NoPermit::TimeUp) => {
                return Err(ApiError::local("not sent: another request takes too long"));
            }
        };
        let response = self.http.execute(request).await.map_err(ApiError::transport)?;
        let (status, request_id) = (response.status(), header(response.headers(), "x-request-id"));
        let body = match read(response, MAX_ANSWER).await {
            Ok(body) => body,
            Err(error) if status.is_success() => return Err(ApiError::transport(error)),
            // Status and headers are enough.
            Err(_) => Vec::new(),
        };
        let answer = believed(status, &body);
        let unlike = |error: &dyn std::fmt::Display| {
            ApiError::local(format!("the response is not what OMS documents: {error}"))
        };
        match answer {
            Ok(value) if value.get(member).is_some() => {
                permit.answered(SignatureVerdict::Accepted);
                serde_json::from_value(value).map_err(|error| unlike(&error))
            }
            Ok(_) => Err(unlike(&format_args!("it has no {member:?}"))),
            Err(ReplyError { error, request_id: id_in_body }) => {
                permit.answered(of_signature(&error));
                Err(ApiError::refused(error, request_id.or(id_in_body)))
            }
        }
    }

    fn sign(&self, url: &Url, headers: &mut HeaderMap, now: DateTime<Utc>) -> Result<(), apig_signer::Error> {
        // Whatever is a URL to the one library is a URI to the other, but for hosts that the setting refuses.
        let uri: Uri = url.as_str().parse().unwrap_or_default();
        let params = SigningParams::new(&self.credentials, now);
        apig_signer::sign(&Method::GET, &uri, headers, Payload::Bytes(b""), &params).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_client::{self, Proxies};
    use object_copy::clock;
    use signature_breaker::Breakers;

    #[tokio::test]
    async fn a_key_that_is_refused_elsewhere_is_not_used_here() {
        let (breakers, credentials) = (Breakers::new(clock::system), Credentials::new("AK", "SK"));
        let elsewhere = breakers.of_store(&oss_lite::Credentials::new("AK", "SK"));
        for _ in 0..2 {
            elsewhere.permit(None).await.unwrap().answered(SignatureVerdict::Refused);
        }
        // Nothing listens there: a request that is sent fails with another error.
        let target = SyncUrl::parse("http://127.0.0.1:1/v2/p/sync-tasks/t/events").unwrap();
        let breaker = breakers.of_oms(&credentials);
        let api = OmsApi::new(http_client::build(Proxies::None).unwrap(), &target, credentials, breaker);
        let error = api.show(clock::system()).await.unwrap_err();
        assert_eq!(error.kind(), ApiErrorKind::CredentialsRefused);
        assert!(error.to_string().starts_with("not sent: "), "{error}");
    }
}
