//! The function on Function Compute's custom runtime.

use std::time::Duration;

use fc_adapter::{Adapter, RawEvent};
use lambda_runtime::{Diagnostic, LambdaEvent, Service, service_fn};
use tokio::time::Instant;

use super::Function;

/// Time to open the connections in `/initialize`.
const WARM: Duration = Duration::from_secs(10);

/// A server for `function`, with `/initialize` opening its connections.
pub fn adapter(
    function: Function,
) -> Adapter<
    impl Service<LambdaEvent<RawEvent>, Response = bool, Error = Diagnostic, Future: Send + 'static>
    + Clone
    + Send
    + 'static,
> {
    let warm = function.clone();
    let handler = service_fn(move |event| {
        let function = function.clone();
        async move { function.invoke(event).await }
    });
    Adapter::new(handler).on_initialize(move |_| {
        let function = warm.clone();
        async move { function.initialize(Instant::now() + WARM).await }
    })
}
