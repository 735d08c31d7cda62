//! The function on Function Compute's custom runtime.

use fc_adapter::{Adapter, RawEvent};
use lambda_runtime::{Diagnostic, LambdaEvent, Service, service_fn};
use tokio::time::Instant;

use super::Function;
use crate::{event, warm};

/// Largest event in bytes. Platforms send 128 KiB asynchronously, queues at most 6 MiB at once.
const MAX_EVENT: usize = 8 << 20;

/// What all events in hand may come to take together, in bytes: half of the smallest instance.
const MEMORY: usize = 64 << 20;

/// A server for `function`, with `/initialize` opening its connections. That never fails: settings were checked before.
pub fn adapter(
    function: Function,
) -> Adapter<
    impl Service<LambdaEvent<RawEvent>, Response = bool, Error = Diagnostic, Future: Send + 'static>
    + Clone
    + Send
    + 'static,
> {
    let own = function.clone();
    let handler = service_fn(move |event| {
        let function = function.clone();
        async move { function.invoke(event).await }
    });
    let adapter = Adapter::new(handler).body_limit(MAX_EVENT).memory(MEMORY, event::weight);
    adapter.on_initialize(move |_| {
        let function = own.clone();
        async move {
            function.warm(Instant::now() + warm::LONGEST).await;
            Ok(())
        }
    })
}
