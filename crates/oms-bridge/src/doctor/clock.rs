//! This machine's clock against a service's.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Finding, Severity};
use terminal::numbers::duration;

/// Both clouds refuse signatures that are further off.
const REFUSED: TimeDelta = TimeDelta::minutes(15);

/// A clock that is this far off gets a warning.
const WORRYING: TimeDelta = TimeDelta::minutes(5);

const WHY: &str = "signatures carry the time and are refused when it is more than 15 minutes off";
const REMEDY: &str = "set the clock of this machine, for instance with chrony or systemd-timesyncd";

pub(super) fn compare(
    check: &'static str,
    service: &str,
    theirs: DateTime<Utc>,
    ours: DateTime<Utc>,
) -> Finding {
    let off = ours - theirs;
    if off.abs() <= WORRYING {
        return Finding::ok(check, format!("answers; this machine's clock agrees with {service}'s"));
    }
    let direction = if off > TimeDelta::zero() { "ahead of" } else { "behind" };
    let what = format!(
        "this machine's clock is {} {direction} {service}'s",
        duration(off.abs().to_std().unwrap_or_default())
    );
    let severity = if off.abs() > REFUSED { Severity::Problem } else { Severity::Warning };
    Finding::bad(check, severity, what, WHY, REMEDY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_five_and_fifteen_minutes_either_way() {
        let theirs = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        for (seconds, severity) in [
            (0, Severity::Ok),
            (300, Severity::Ok),
            (301, Severity::Warning),
            (900, Severity::Warning),
            (901, Severity::Problem),
        ] {
            for off in [seconds, -seconds] {
                let finding = compare("c", "OSS", theirs, theirs + TimeDelta::seconds(off));
                assert_eq!(finding.severity, severity, "{off}");
            }
        }
        let ahead = compare("c", "OSS", theirs, theirs + TimeDelta::hours(3)).what;
        assert_eq!(ahead, "this machine's clock is 3h ahead of OSS's");
    }
}
