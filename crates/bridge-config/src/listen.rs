//! What clients of a listener may take in time and connections.

use fc_adapter::Limits;
use settings::Reader;

use super::table::serve::{
    LISTEN_BODY_TIMEOUT, LISTEN_HEAD_TIMEOUT, LISTEN_IDLE_TIMEOUT, LISTEN_MAX_CONNECTIONS,
};

/// The limits that are set, and where one is not, that of `default`.
pub fn limits(r: &mut Reader, default: Limits) -> Limits {
    let mut limits = default;
    if let Some(head) = r.get(&LISTEN_HEAD_TIMEOUT) {
        limits.head = head;
    }
    if let Some(body) = r.get(&LISTEN_BODY_TIMEOUT) {
        limits.body = body;
        limits.stalled = limits.stalled.min(body);
    }
    if let Some(idle) = r.get(&LISTEN_IDLE_TIMEOUT) {
        limits.idle = idle;
    }
    if let Some(most) = r.get(&LISTEN_MAX_CONNECTIONS) {
        limits = limits.with_connections(most);
    }
    limits
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use settings::{ConfigError, Values};

    use super::*;

    fn limits(values: Values, default: Limits) -> Result<Limits, ConfigError> {
        let mut reader = Reader::new(values);
        let limits = super::limits(&mut reader, default);
        reader.finish(Some(limits))
    }

    #[test]
    fn what_is_given_replaces_the_default() {
        let none = Values::default().with(&LISTEN_HEAD_TIMEOUT.spec, " ");
        assert_eq!(limits(none, Limits::of_a_platform()), Ok(Limits::of_a_platform()));
        let all = Values::default()
            .with(&LISTEN_HEAD_TIMEOUT.spec, "１")
            .with(&LISTEN_BODY_TIMEOUT.spec, "2")
            .with(&LISTEN_IDLE_TIMEOUT.spec, " 86400 ")
            .with(&LISTEN_MAX_CONNECTIONS.spec, "９");
        let seconds = Duration::from_secs;
        let wanted = Limits {
            head: seconds(1),
            body: seconds(2),
            stalled: seconds(2),
            idle: seconds(86_400),
            requests: 4,
            connections: 9,
        };
        assert_eq!(limits(all, Limits::default()), Ok(wanted));
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let values = Values::default()
            .with(&LISTEN_HEAD_TIMEOUT.spec, "0")
            .with(&LISTEN_BODY_TIMEOUT.spec, "1m")
            .with(&LISTEN_IDLE_TIMEOUT.spec, "86401")
            .with(&LISTEN_MAX_CONNECTIONS.spec, "1");
        let error = limits(values, Limits::default()).unwrap_err();
        let names: Vec<_> = error.problems().iter().map(settings::Problem::setting).collect();
        assert_eq!(
            names,
            ["LISTEN_HEAD_TIMEOUT", "LISTEN_BODY_TIMEOUT", "LISTEN_IDLE_TIMEOUT", "LISTEN_MAX_CONNECTIONS"]
        );
    }
}
