//! Lambda's environment variables, and the report of a failed start.

use std::time::Duration;

use http::Uri;
use http::uri::Authority;
use serde_json::json;
use thiserror::Error;

use http_client::{self, Proxies};

/// The variable that makes this process a Lambda function.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// The variable with the number of events that may be requested at a time.
const MAX_CONCURRENCY: &str = "AWS_LAMBDA_MAX_CONCURRENCY";

/// Time limit of a report, which delays the exit of the process.
const REPORT: Duration = Duration::from_secs(2);

/// The runtime API of this environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeApi {
    address: String,
    several: bool,
}

/// A variable of Lambda is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{RUNTIME_API} is set, but this is no environment of AWS Lambda: {0}")]
pub struct NotLambda(VariableError);

/// What is wrong with a variable of Lambda's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
enum VariableError {
    #[error("{RUNTIME_API}: {0:?} is no address")]
    Address(String),
    #[error("{0}: missing")]
    Missing(&'static str),
    #[error("{0}: missing, or no number")]
    NoNumber(&'static str),
}

/// Why a failed start could not be reported.
#[derive(Debug, Error)]
enum ReportError {
    #[error("{0:?} is no address")]
    Address(String),
    #[error(transparent)]
    Client(#[from] Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

impl RuntimeApi {
    /// The API that the environment names; `None` outside Lambda.
    pub fn find(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let several =
            variable(MAX_CONCURRENCY).and_then(|text| text.parse::<u32>().ok()).is_some_and(|n| n > 1);
        variable(RUNTIME_API).map(|address| Self { address, several })
    }

    /// Whether several events are requested at a time.
    pub(super) fn is_asked_for_several(&self) -> bool {
        self.several
    }

    /// Host and port.
    pub(super) fn authority(&self) -> String {
        let authority = self.address.parse::<Uri>().ok().and_then(|uri| uri.into_parts().authority);
        let authority = authority.map_or_else(|| self.address.clone(), |authority| authority.to_string());
        if authority.contains(':') { authority } else { authority + ":80" }
    }

    /// Checks the variables that the runtime requires.
    ///
    /// # Errors
    ///
    /// The first variable that is missing or wrong.
    pub fn check(&self, variable: impl Fn(&str) -> Option<String>) -> Result<(), NotLambda> {
        if self.address.parse::<Uri>().ok().and_then(|uri| uri.into_parts().authority).is_none() {
            return Err(NotLambda(VariableError::Address(self.address.clone())));
        }
        for name in ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION"] {
            variable(name).ok_or(NotLambda(VariableError::Missing(name)))?;
        }
        let memory = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";
        let megabytes = variable(memory).and_then(|text| text.parse::<i32>().ok());
        megabytes.map(drop).ok_or(NotLambda(VariableError::NoNumber(memory)))
    }

    /// Reports that the function cannot start, so that the platform shows the reason. A failure to report it
    /// is logged.
    pub async fn report_init_error(&self, why: &str) {
        if let Err(error) = self.post_init_error(why).await {
            tracing::warn!(%error, "the failed start could not be reported to Lambda");
        }
    }

    async fn post_init_error(&self, why: &str) -> Result<(), ReportError> {
        const KIND: &str = "Runtime.ConfigInvalid";
        let authority: Authority =
            self.address.parse().map_err(|_| ReportError::Address(self.address.clone()))?;
        let http = http_client::build(Proxies::None)?;
        let body = json!({"errorMessage": why, "errorType": KIND, "stackTrace": []}).to_string();
        let request = http
            .post(format!("http://{authority}/2018-06-01/runtime/init/error"))
            .header("lambda-runtime-function-error-type", KIND)
            .header("content-type", "application/json")
            .timeout(REPORT)
            .body(body);
        let answer = request.send().await?;
        answer.error_for_status()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 4] = [
        (RUNTIME_API, "127.0.0.1:9001"),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ];

    fn checked(change: (&str, Option<&str>)) -> Result<(), String> {
        let variable = |name: &str| {
            if name == change.0 {
                return change.1.map(str::to_owned);
            }
            GOOD.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        RuntimeApi::find(variable).unwrap().check(variable).map_err(|error| error.to_string())
    }

    #[test]
    fn variables_that_the_runtime_would_panic_about_are_checked_first() {
        assert_eq!(checked(("", None)), Ok(()));
        for (change, wanted) in [
            (("AWS_LAMBDA_FUNCTION_NAME", None), "AWS_LAMBDA_FUNCTION_NAME: missing"),
            (("AWS_LAMBDA_FUNCTION_VERSION", None), "AWS_LAMBDA_FUNCTION_VERSION: missing"),
            (
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", Some("much")),
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE: missing, or no number",
            ),
            ((RUNTIME_API, Some("no address")), "\"no address\" is no address"),
            ((RUNTIME_API, Some("/path")), "\"/path\" is no address"),
        ] {
            assert!(checked(change).unwrap_err().ends_with(wanted), "{change:?}");
        }
        assert_eq!(RuntimeApi::find(|_| None), None);
    }
}
