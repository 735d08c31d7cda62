//! What the timer found that compares both sides, for people.

use std::fmt::{self, Write};
use std::time::Duration;

use arrival::rounds::{Counts, Round, RoundState};
use settings::text::{self, printable};
use terminal::numbers::{counted, duration};

/// Writes what the last whole round found, and how far the present one is.
pub(super) fn write(text: &mut String, state: &RoundState) -> fmt::Result {
    if let Some(last) = &state.last {
        round(text, last)?;
    }
    if let Some(current) = &state.current {
        let begun = if state.last.is_some() { "the next comparison" } else { "a comparison of both sides" };
        write!(text, "{begun} is under way: {} so far", counted(current.counts.compared, "key"))?;
        if let Some(key) = &state.after_key {
            write!(text, ", up to {}", printable(key))?;
        }
        text.write_char('\n')?;
    }
    text.write_char('\n')
}

fn round(text: &mut String, round: &Round) -> fmt::Result {
    let Counts { compared, equal, undecided, missing, different, extra, sent, failed, .. } = round.counts;
    let Counts { young, watched, waiting, given_up, unknown, .. } = round.counts;
    write!(text, "{} of both sides compared", counted(compared, "key"))?;
    if let (Some(began), Some(ended)) = (round.began, round.ended) {
        let took = duration((ended - began).to_std().unwrap_or(Duration::ZERO));
        write!(text, " until {}, in {took}", text::time(ended))?;
    }
    writeln!(text, ": {} equal", counted(equal, "key"))?;
    for (keys, what) in [
        (undecided, "of the same size, and nothing else could be compared"),
        (missing + different, "missing or different, which no event had brought"),
        (sent, "of these sent"),
        (failed, "of these not accepted: the replay has them"),
        (extra, "only at the destination"),
        (young + watched + waiting, "missing or different, and left to events, confirmations or the replay"),
        (given_up, "missing or different, and given up before"),
        (unknown, "that could not be looked at"),
    ] {
        if keys > 0 {
            writeln!(text, "  {} {what}", counted(keys, "key"))?;
        }
    }
    Ok(())
}
