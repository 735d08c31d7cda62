//! Sends requests of the SDK through the process's HTTP client: with the same connections, proxies, TLS
//! provider and embedded root certificates as all other requests. The SDK's own client would add a second TLS
//! provider, written in C, and need a CA store.
//!
//! The SDK's body is sent itself, not a copy of its bytes: the
//! SDK measures the progress of an upload by how its body is polled. A body that is not polled to its end
//! counts as stalled, and after some seconds the SDK gives up the request, which happens to long polls first.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use http::HeaderMap;
use http::header::DATE;
use tokio::time::timeout;

/// The HTTP client, with the interface that the SDK needs.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    /// Time for the whole exchange, if the SDK sets one.
    limit: Option<Duration>,
}

impl Http {
    pub(super) fn new(client: reqwest::Client) -> Self {
        Self { client, limit: None }
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = prepared(request).map_err(ConnectorError::user)?;
        let signed_at = signing_time(request.headers());
        let response = self.client.execute(request).await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(failed)?;
        let behind = signed_at.zip(date(&headers)).map(|(signed, date)| Behind(date - signed));
        let mut answer = http::Response::new(SdkBody::from(body));
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        let mut answer =
            HttpResponse::try_from(answer).map_err(|error| ConnectorError::other(error.into(), None))?;
        if let Some(behind) = behind {
            answer.add_extension(behind);
        }
        Ok(answer)
    }
}

/// How far the time of a request's signature was behind the service's clock; in the extensions of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind(pub TimeDelta);

impl Behind {
    /// Whether that alone explains why a signature was refused. Amazon tolerates five minutes; the SDK
    /// corrects its clock from four minutes on.
    pub fn explains_refusal(self) -> bool {
        self.0.abs() >= TimeDelta::minutes(4)
    }
}

fn signing_time(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let time = headers.get("x-amz-date")?.to_str().ok()?;
    NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%SZ").ok().map(|time| time.and_utc())
}

fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let date = headers.get(DATE)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(date).ok().map(|date| date.to_utc())
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

fn prepared(request: HttpRequest) -> Result<reqwest::Request, BoxError> {
    Ok(reqwest::Request::try_from(request.try_into_http1x()?.map(reqwest::Body::wrap))?)
}

/// The kind decides whether the SDK retries.
fn failed(error: reqwest::Error) -> ConnectorError {
    // A URL may contain secrets.
    let error = error.without_url();
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.clone();
        HttpConnectorFuture::new(async move {
            match http.limit {
                Some(limit) => timeout(limit, http.exchange(request))
                    .await
                    .unwrap_or_else(|_| Err(ConnectorError::timeout("no response in time".into()))),
                None => http.exchange(request).await,
            }
        })
    }
}

impl HttpClient for Http {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        // Without it, a machine outside EC2 would wait long for the metadata service.
        let limit = settings.read_timeout().map(|read| read + settings.connect_timeout().unwrap_or_default());
        SharedHttpConnector::new(Self { client: self.client.clone(), limit })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use hyper::body::Body as _;

    use super::*;
    use http_client::{self, Proxies};

    #[tokio::test]
    async fn a_request_of_the_sdk_is_sent_unchanged() {
        let mut request = HttpRequest::new(SdkBody::from("{}"));
        request.set_method("POST").unwrap();
        request.set_uri("http://127.0.0.1:1/a%20b?x=%2F").unwrap();
        request.headers_mut().insert("x-amz-target", "AmazonSQS.ReceiveMessage");
        let mut request = prepared(request).unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(request.url().as_str(), "http://127.0.0.1:1/a%20b?x=%2F");
        assert_eq!(request.headers()["x-amz-target"], "AmazonSQS.ReceiveMessage");
        let body = request.body_mut().take().unwrap();
        assert_eq!(body.size_hint().exact(), Some(2));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "{}");
    }

    #[test]
    fn a_wrong_clock_shows_in_the_time_that_was_signed() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-date", "20261129T080000Z".parse().unwrap());
        headers.insert(DATE, "Sun, 29 Nov 2026 08:04:01 GMT".parse().unwrap());
        let behind = Behind(date(&headers).unwrap() - signing_time(&headers).unwrap());
        assert_eq!(behind, Behind(TimeDelta::seconds(241)));
        assert!(behind.explains_refusal() && Behind(-behind.0).explains_refusal());
        assert!(!Behind(TimeDelta::seconds(239)).explains_refusal());
    }

    #[tokio::test]
    async fn a_refused_connection_is_an_io_error_without_the_url() {
        let http = Http::new(http_client::build(Proxies::None).unwrap());
        let error = http.exchange(HttpRequest::get("http://127.0.0.1:1/?secret").unwrap()).await.unwrap_err();
        assert!(error.is_io(), "{error:?}");
        assert!(!format!("{error:?}").contains("secret"));
    }
}
