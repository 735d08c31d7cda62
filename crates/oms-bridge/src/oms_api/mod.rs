//! What OMS says of a sync task: reading only.
//!
//! API: [ShowSyncTask](https://support.huaweicloud.com/api-oms/ShowSyncTask.md),
//! [ListSyncTaskStatistic](https://support.huaweicloud.com/api-oms/ListSyncTaskStatistic.html).
//!
//! Every call makes one request and never repeats it: the gateway locks an access key after five bad signatures, and
//! whoever asks here can ask again.

mod reply;

use std::time::Duration;

use apig_signer::{Credentials, Payload, SigningParams};
use chrono::{DateTime, Utc};
use http::{HeaderMap, Method, Uri};
use reqwest::{Request, Url};
use serde::de::DeserializeOwned;

pub use self::reply::{ApiError, Statistics, SyncTask, Trouble};
use crate::engine::EngineError;
use crate::engine::oms::request::{TIMEOUT, date, header, read, transport};
use crate::engine::oms::{SyncUrl, reply::parse_error};

/// One sync task at OMS.
#[derive(Clone, Debug)]
pub struct OmsApi {
    http: reqwest::Client,
    task: Url,
    credentials: Credentials,
}

impl OmsApi {
    /// The task that `target` belongs to, asked through `http`, which must not follow redirects.
    pub fn new(http: reqwest::Client, target: &SyncUrl, credentials: Credentials) -> Self {
        Self { http, task: target.task_url(), credentials }
    }

    /// The service's clock, from its answer to one unsigned request: no permission is needed and no failure counted.
    ///
    /// # Errors
    ///
    /// When OMS cannot be reached, or tells no time.
    pub async fn server_time(&self) -> Result<DateTime<Utc>, ApiError> {
        let mut url = self.task.clone();
        url.set_path("/");
        let mut request = Request::new(Method::HEAD, url);
        *request.timeout_mut() = Some(TIMEOUT);
        let answer = self.http.execute(request).await.map_err(|error| ApiError::local(transport(error)))?;
        date(answer.headers())
            .ok_or_else(|| ApiError::local(EngineError::local("the answer does not say what time it is")))
    }

    /// The task and its counters of the month that `now` is in. Needs `oms:synctask:get`.
    ///
    /// # Errors
    ///
    /// [`ApiError`].
    pub async fn show(&self, now: DateTime<Utc>) -> Result<SyncTask, ApiError> {
        let mut url = self.task.clone();
        url.query_pairs_mut().append_pair("query_time", &now.timestamp_millis().to_string());
        self.get(url, now).await
    }

    /// What the task did in the `span` before `now`. Needs `oms:synctask:statistics`.
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
        self.get(url, now).await.map(|series: reply::Series| series.total())
    }

    async fn get<T: DeserializeOwned>(&self, url: Url, now: DateTime<Utc>) -> Result<T, ApiError> {
        let mut headers = HeaderMap::new();
        self.sign(&url, &mut headers, now).map_err(|error| {
            ApiError::unsigned(EngineError::local(format!("cannot sign the request: {error}")))
        })?;
        let mut request = Request::new(Method::GET, url);
        *request.headers_mut() = headers;
        *request.timeout_mut() = Some(TIMEOUT);
        let response = self.http.execute(request).await.map_err(|error| ApiError::local(transport(error)))?;
        let (status, request_id) = (response.status(), header(response.headers(), "x-request-id"));
        let body = read(response).await;
        if status.is_success() {
            let body = body.map_err(|error| ApiError::local(transport(error)))?;
            return serde_json::from_slice(&body).map_err(|error| {
                ApiError::local(EngineError::local(format!("the answer is not what OMS documents: {error}")))
            });
        }
        let (error, id_in_body) = parse_error(status, &body.unwrap_or_default());
        Err(ApiError::refused(error, request_id.or(id_in_body)))
    }

    fn sign(&self, url: &Url, headers: &mut HeaderMap, now: DateTime<Utc>) -> Result<(), apig_signer::Error> {
        // Whatever is a URL to the one library is a URI to the other, but for hosts that the setting refuses.
        let uri: Uri = url.as_str().parse().unwrap_or_default();
        let params = SigningParams::new(&self.credentials, now);
        apig_signer::sign(&Method::GET, &uri, headers, Payload::Bytes(b""), &params).map(drop)
    }
}
