//! The state of a sync task, as OMS reports it: reading only.
//!
//! API: [ShowSyncTask](https://support.huaweicloud.com/api-oms/ShowSyncTask.md),
//! [ListSyncTaskStatistic](https://support.huaweicloud.com/api-oms/ListSyncTaskStatistic.html).
//!
//! Every call makes one request and never repeats it.

mod reply;

use std::time::Duration;

use apig_signer::Credentials;
use chrono::{DateTime, Utc};
use reqwest::Url;

pub use self::reply::{Statistics, SyncTask};
use super::api::{Api, Errors, Expected, ONE_TASK};
pub use super::api::{ApiError, ApiErrorKind};
use super::target::SyncUrl;
use signature_breaker::Breaker;

/// One sync task at OMS.
#[derive(Clone, Debug)]
pub struct OmsApi {
    api: Api,
    task: Url,
}

impl OmsApi {
    /// Reads the task that `target` belongs to through `http`, which must not follow redirects. `breaker` is
    /// that of the credentials.
    pub fn new(http: reqwest::Client, target: &SyncUrl, credentials: Credentials, breaker: Breaker) -> Self {
        Self { api: Api::new(http, credentials, breaker), task: target.task_url() }
    }

    /// The service's clock, from its answer to one unsigned request: no permission is needed and no failure
    /// counted.
    ///
    /// # Errors
    ///
    /// When OMS cannot be reached, or its answer has no date.
    pub async fn server_time(&self) -> Result<DateTime<Utc>, ApiError> {
        self.api.server_time(self.task.clone()).await
    }

    /// The task and its counters of the month that `now` is in. Needs `oms:synctask:get`.
    ///
    /// # Errors
    ///
    /// [`ApiError`].
    pub async fn show(&self, now: DateTime<Utc>) -> Result<SyncTask, ApiError> {
        let mut url = self.task.clone();
        url.query_pairs_mut().append_pair("query_time", &now.timestamp_millis().to_string());
        self.api.get(url, now, of_the_request("status")).await
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
        let series: reply::Series = self.api.get(url, now, of_the_request("statistic_datas")).await?;
        Ok(series.total())
    }
}

fn of_the_request(member: &'static str) -> Expected {
    Expected { member, errors: Errors::OfTheRequest, most: ONE_TASK }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_client::{self, Proxies};
    use object_copy::clock;
    use oss_lite::SignatureVerdict;
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
