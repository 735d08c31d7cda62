//! Opening connections ahead of the first event.
//!
//! It only saves time. A service that cannot be reached is logged and is no reason to fail the start: keys
//! that it does not take go to the journal. If the start failed, the platform would replace the instance
//! again and again, and no event would be handled although the journal works.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// Time limit, so that a service that hangs does not use up the time that the platform allows for a start:
/// ten seconds on Lambda, a setting of the deployment on Function Compute. A handshake across the world takes
/// less than one.
pub const LONGEST: Duration = Duration::from_secs(2);

/// Opens a connection to `service` by `deadline`. Returns a message if it cannot be reached.
pub async fn reach<E: Display>(
    service: &str,
    deadline: Instant,
    opening: impl Future<Output = Result<(), E>>,
) -> Option<String> {
    match timeout_at(deadline, opening).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{service} cannot be reached: {error}")),
        Err(_) => Some(format!("{service} cannot be reached: no reply in time")),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_unreachable_service_is_named_and_a_silent_one_times_out() {
        let deadline = Instant::now() + LONGEST;
        assert_eq!(reach::<String>("OMS", deadline, ready(Ok(()))).await, None);
        let refused = reach("OMS", deadline, ready(Err("refused"))).await;
        assert_eq!(refused.as_deref(), Some("OMS cannot be reached: refused"));
        let silent = reach::<String>("OMS", deadline, pending()).await;
        assert_eq!(silent.as_deref(), Some("OMS cannot be reached: no reply in time"));
        assert_eq!(Instant::now(), deadline);
    }
}
