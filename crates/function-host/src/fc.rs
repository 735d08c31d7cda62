//! The function on Function Compute's custom runtime.

use fc_adapter::{Adapter, FcEnvironment, RawEvent};
use lambda_runtime::{Diagnostic, LambdaEvent, Service, service_fn};
use tokio::time::Instant;

use crate::function::Function;
use bridge_core::warm;

/// A server for `function`, with `/initialize` opening its connections. `/initialize` never fails, since the
/// settings were checked before.
///
/// Function Compute sends events of 128 KB asynchronously, and of up to 32 MB otherwise: by synchronous
/// invocations, and in batches of its event streams. The limit follows the memory of the instance
/// ([`object_events::Bounds`]).
pub fn adapter(
    function: Function,
) -> Adapter<
    impl Service<LambdaEvent<RawEvent>, Response = bool, Error = Diagnostic, Future: Send + 'static>
    + Clone
    + Send
    + 'static,
> {
    let bounds = object_events::Bounds::of_memory(FcEnvironment::from_process().memory_mb.as_deref());
    let (own, counting) = (function.clone(), function.clone());
    let handler = service_fn(move |event| {
        let function = function.clone();
        async move { function.invoke(event).await }
    });
    let adapter = Adapter::new(handler)
        .body_limit(bounds.event)
        .body_limit_advice(bounds.remedy())
        .memory(bounds.together, object_events::weight)
        .metrics(move || (metrics::MEDIA_TYPE, counting.metrics()));
    adapter.on_initialize(move |_| {
        let function = own.clone();
        async move {
            function.warm(Instant::now() + warm::LONGEST).await;
            Ok(())
        }
    })
}
