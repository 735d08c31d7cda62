//! The rate limit that a 429 states in its text.

use std::time::Duration;

/// A limit that a 429 stated: `limit:20,time:1 minute`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StatedLimit {
    pub(crate) requests: u32,
    pub(crate) window: Duration,
}

/// Reads `limit:20,time:1 minute` out of a gateway message.
pub(super) fn stated_limit(message: &str) -> Option<StatedLimit> {
    let (_, rest) = message.split_once("limit:")?;
    let (requests, rest) = rest.split_once(',')?;
    let (_, rest) = rest.split_once("time:")?;
    let mut words = rest.split_ascii_whitespace();
    let count: u32 = words.next()?.parse().ok()?;
    let unit = match words.next()?.trim_end_matches(|c: char| !c.is_ascii_alphabetic()).trim_end_matches('s')
    {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return None,
    };
    let window = Duration::from_secs(u64::from(count) * unit);
    (!window.is_zero()).then_some(StatedLimit { requests: requests.trim().parse().ok()?, window })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_from_gateway_messages() {
        let limit = |text| stated_limit(text).map(|limit| (limit.requests, limit.window.as_secs()));
        let text =
            "The throttling threshold has been reached: policy user over ratelimit,limit:20,time:1 minute";
        assert_eq!(limit(text), Some((20, 60)));
        assert_eq!(limit("policy api over ratelimit,limit:200,time:1 second"), Some((200, 1)));
        assert_eq!(limit("limit:5, time:2 minutes."), Some((5, 120)));
        for none in [
            "too many requests",
            "limit:x,time:1 minute",
            "limit:5,time:1 fortnight",
            "limit:5,time:0 second",
        ] {
            assert_eq!(limit(none), None, "{none}");
        }
    }
}
