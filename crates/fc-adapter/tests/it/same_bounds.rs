//! Whatever `lambda_runtime::run_concurrent` takes is taken here: this file compiles only if that holds.

use std::fmt::Debug;
use std::future::Future;
use std::rc::Rc;

use bytes::Bytes;
use futures_util::Stream;
use lambda_runtime::{Diagnostic, Error, IntoFunctionResponse, LambdaEvent, Service, service_fn};
use serde::{Deserialize, Serialize};

async fn run_anywhere<A, F, R, B, S, D, E>(handler: F, on_lambda: bool) -> Result<(), Error>
where
    F: Service<LambdaEvent<A>, Response = R> + Clone + Send + 'static,
    F::Future: Future<Output = Result<R, F::Error>> + Send + 'static,
    F::Error: Into<Diagnostic> + Debug,
    A: for<'de> Deserialize<'de> + Send + 'static,
    R: IntoFunctionResponse<B, S> + Send + 'static,
    B: Serialize + Send + 'static,
    S: Stream<Item = Result<D, E>> + Unpin + Send + 'static,
    D: Into<Bytes> + Send + 'static,
    E: Into<Error> + Send + Debug + 'static,
{
    if on_lambda { lambda_runtime::run_concurrent(handler).await } else { fc_adapter::run(handler).await }
}

/// An error that may not cross threads, which the bounds allow.
#[derive(Debug)]
struct Local {
    _text: Rc<str>,
}

impl From<Local> for Diagnostic {
    fn from(_: Local) -> Self {
        Self::from("local")
    }
}

fn assert_send<T: Send>(_: &T) {}

#[test]
fn the_same_handler_fits_both_hosts_even_if_its_error_is_not_send() {
    let handler = service_fn(|_: LambdaEvent<()>| async {
        std::future::ready(()).await;
        Err::<(), _>(Local { _text: "x".into() })
    });
    assert_send(&run_anywhere(handler, false));
}
