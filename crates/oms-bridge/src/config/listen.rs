//! What clients of a listener may take in time and connections.

use std::time::Duration;

use clap::Args;
use fc_adapter::Limits;

use settings::ConfigError;
use settings::lenient::given;
use settings::reader::Reader;

/// Longest time that can be set, in seconds: a day.
const LONGEST: u64 = 86_400;

/// Most connections that can be set.
const MOST_CONNECTIONS: usize = 100_000;

/// Limits of a listener as given. What is not given is up to who listens.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Limits of clients")]
pub struct ListenArgs {
    /// Seconds from the first byte of a request until its head is complete [default: 10; 60 under Function Compute].
    #[arg(long, env = "LISTEN_HEAD_TIMEOUT", hide_env_values = true, value_name = "SECONDS")]
    pub listen_head_timeout: Option<String>,
    /// Seconds from the head of a request until its body is complete [default: 30; up to the deadline under Function Compute].
    #[arg(long, env = "LISTEN_BODY_TIMEOUT", hide_env_values = true, value_name = "SECONDS")]
    pub listen_body_timeout: Option<String>,
    /// Seconds that a connection stays open without a request [default: 60; a day under Function Compute].
    #[arg(long, env = "LISTEN_IDLE_TIMEOUT", hide_env_values = true, value_name = "SECONDS")]
    pub listen_idle_timeout: Option<String>,
    /// Connections open at once, 2 or more; half of them may have a request [default: 512; 64 for consume; 2000 under Function Compute].
    #[arg(long, env = "LISTEN_MAX_CONNECTIONS", hide_env_values = true, value_name = "N")]
    pub listen_max_connections: Option<String>,
}

impl ListenArgs {
    /// The limits, where not given those of `default`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every value that is none.
    pub fn limits(&self, default: Limits) -> Result<Limits, ConfigError> {
        let mut reader = Reader::default();
        let mut limits = default;
        let r = &mut reader;
        if let Some(head) = r.read("LISTEN_HEAD_TIMEOUT", given(self.listen_head_timeout.as_ref()), seconds) {
            limits.head = head;
        }
        if let Some(body) = r.read("LISTEN_BODY_TIMEOUT", given(self.listen_body_timeout.as_ref()), seconds) {
            limits.body = body;
            limits.stalled = limits.stalled.min(body);
        }
        if let Some(idle) = r.read("LISTEN_IDLE_TIMEOUT", given(self.listen_idle_timeout.as_ref()), seconds) {
            limits.idle = idle;
        }
        let most = given(self.listen_max_connections.as_ref());
        if let Some(most) = r.read("LISTEN_MAX_CONNECTIONS", most, connections) {
            limits = limits.with_connections(most);
        }
        if reader.problems.is_empty() { Ok(limits) } else { Err(ConfigError::new(reader.problems)) }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.trim().parse() {
        Ok(seconds @ 1..=LONGEST) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("{text:?} is not a number of seconds from 1 to {LONGEST}")),
    }
}

fn connections(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(connections @ 2..=MOST_CONNECTIONS) => Ok(connections),
        _ => Err(format!("{text:?} is not a number from 2 to {MOST_CONNECTIONS}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_replaces_the_default() {
        let none = ListenArgs { listen_head_timeout: Some(" ".to_owned()), ..ListenArgs::default() };
        assert_eq!(none.limits(Limits::of_a_platform()), Ok(Limits::of_a_platform()));
        let text = |text: &str| Some(text.to_owned());
        let all = ListenArgs {
            listen_head_timeout: text("1"),
            listen_body_timeout: text("2"),
            listen_idle_timeout: text(" 86400 "),
            listen_max_connections: text("9"),
        };
        let seconds = Duration::from_secs;
        let wanted = Limits {
            head: seconds(1),
            body: seconds(2),
            stalled: seconds(2),
            idle: seconds(86_400),
            requests: 4,
            connections: 9,
        };
        assert_eq!(all.limits(Limits::default()), Ok(wanted));
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let text = |text: &str| Some(text.to_owned());
        let args = ListenArgs {
            listen_head_timeout: text("0"),
            listen_body_timeout: text("1m"),
            listen_idle_timeout: text("86401"),
            listen_max_connections: text("1"),
        };
        let error = args.limits(Limits::default()).unwrap_err();
        let names: Vec<_> =
            error.problems().iter().map(|problem| problem.split(':').next().unwrap()).collect();
        assert_eq!(
            names,
            ["LISTEN_HEAD_TIMEOUT", "LISTEN_BODY_TIMEOUT", "LISTEN_IDLE_TIMEOUT", "LISTEN_MAX_CONNECTIONS"]
        );
    }
}
