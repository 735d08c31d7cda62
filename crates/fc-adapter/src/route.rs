//! Which job a request asks for.

use http::request::Parts;
use http::{HeaderMap, Method};
use http_listener::{HEALTH, METRICS};
use lambda_runtime::Diagnostic;

use crate::failure::diagnostic;
use crate::platform::Platform;

const CONTROL_PATH: &str = "x-fc-control-path";
const HTTP_INVOKE: &str = "/http-invoke";
/// Where web functions of Tencent Cloud, which listen on the same port, are sent their events.
const TENCENT_INVOKE: &str = "/event-invoke";

/// The paths of the custom runtime: <https://www.alibabacloud.com/help/doc-detail/425057.htm>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Invoke,
    Initialize,
    PreStop,
    PreFreeze,
    Health,
    /// No path of any platform: what the program counts, for its operator.
    Metrics,
}

/// Why a request is not part of this contract.
#[derive(Debug)]
pub(crate) enum NoRoute {
    /// Its path lies outside of the contract: an HTTP hook may take it.
    Outside(Diagnostic),
    /// It is a wrong use of the contract.
    Wrong(Diagnostic),
}

impl NoRoute {
    /// The URL has a path that nothing is served at.
    pub(crate) fn unknown(path: &str) -> Self {
        Self::Outside(not_found(path, "the URL"))
    }
}

fn not_found(path: &str, origin: &str) -> Diagnostic {
    let message = format!(
        "no such path: {path} (from {origin}); known are POST /invoke, POST /initialize, GET /pre-stop, GET /pre-freeze and GET {HEALTH}"
    );
    diagnostic("NotFound", message)
}

impl Route {
    /// The platform's own header decides, because under an HTTP trigger the path of the URL is whatever the
    /// client on the internet chose. On Function Compute the path alone leads to nothing that does any work;
    /// elsewhere there is no such header.
    pub(crate) fn of(head: &Parts, platform: Platform) -> Result<Self, NoRoute> {
        let url_path = head.uri.path();
        let control_path = control_path(&head.headers)?;
        if platform == Platform::FunctionCompute && control_path.is_none() && is_work(url_path) {
            let message = format!("{url_path} without the header {CONTROL_PATH}, which the platform sends");
            return Err(NoRoute::Wrong(diagnostic("NotOfThePlatform", message)));
        }
        let (path, origin) = match control_path {
            None => (url_path, "the URL"),
            Some(HTTP_INVOKE) if url_path == HEALTH => (url_path, "the URL"),
            Some(HTTP_INVOKE) => {
                return Err(NoRoute::Outside(diagnostic(
                    "HttpTriggerUnsupported",
                    "this is an event function and does not serve HTTP triggers or custom domains",
                )));
            }
            Some(path) => (path, CONTROL_PATH),
        };
        let (route, method) = match path {
            "/invoke" | TENCENT_INVOKE => (Self::Invoke, Method::POST),
            "/initialize" => (Self::Initialize, Method::POST),
            "/pre-stop" => (Self::PreStop, Method::GET),
            "/pre-freeze" => (Self::PreFreeze, Method::GET),
            HEALTH => (Self::Health, Method::GET),
            METRICS => (Self::Metrics, Method::GET),
            _ if path == url_path => return Err(NoRoute::Outside(not_found(path, origin))),
            _ => return Err(NoRoute::Wrong(not_found(path, origin))),
        };
        if head.method == method {
            Ok(route)
        } else {
            let message = format!("{path} takes {method}, not {}", head.method);
            Err(NoRoute::Wrong(diagnostic("MethodNotAllowed", message)))
        }
    }
}

/// Whether a handler or the initializer runs for this path.
fn is_work(path: &str) -> bool {
    ["/invoke", TENCENT_INVOKE, "/initialize"].contains(&path)
}

/// The value of the platform's header. What is no single clear value may have been added by a client.
fn control_path(headers: &HeaderMap) -> Result<Option<&str>, NoRoute> {
    let mut values = headers.get_all(CONTROL_PATH).iter();
    let Some(first) = values.next() else { return Ok(None) };
    let problem = match (first.to_str(), values.next()) {
        (_, Some(_)) => "is there more than once",
        (Err(_), None) => "is no text",
        (Ok(path), None) if path.trim().is_empty() => "is empty",
        (Ok(path), None) => return Ok(Some(path)),
    };
    Err(NoRoute::Wrong(diagnostic("NotOfThePlatform", format!("the header {CONTROL_PATH} {problem}"))))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn events_come_in_by_the_paths_of_both_platforms() {
        for path in ["/invoke", "/event-invoke"] {
            let head =
                |method: &str| Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0;
            let of = |method| Route::of(&head(method), Platform::Elsewhere);
            assert_eq!(of("POST").ok(), Some(Route::Invoke), "{path}");
            assert!(matches!(of("GET"), Err(NoRoute::Wrong(_))), "{path}");
        }
    }
}
