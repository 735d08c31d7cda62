//! What to do next, decided from the evidence alone, without requests.

use super::{Entry, KeyRecords, SideState};
use bridge_core::engine::EngineName;
use object_copy::outcome::FailureClass;
use settings::lenient;
use settings::text::quoted;
use terminal::numbers::counted;

/// What is known of a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence<'e> {
    /// The key.
    pub key: &'e str,
    /// The source object.
    pub source: &'e SideState,
    /// The destination object, if it was looked at.
    pub destination: Option<&'e SideState>,
    /// The settings that are missing to look at it, where it was not.
    pub unset: &'e [&'static str],
    /// Its records.
    pub records: &'e KeyRecords,
    /// The host in `SYNC_URL`, where OMS is used.
    pub oms: Option<&'e str>,
    /// Whether `INCLUDE` and `EXCLUDE` leave the key out.
    pub filtered_out: bool,
}

/// What to do next, the most important first. Never empty.
pub(crate) fn advise(evidence: &Evidence<'_>) -> Vec<String> {
    let Evidence { records, .. } = evidence;
    let mut advice = Vec::new();
    let newest = records.failed.as_ref().or(records.dead.as_ref());
    // An object that is fetched from a URL was never in the source bucket.
    let is_of_the_web = newest.is_some_and(|entry| entry.record.url.is_some());
    let gone = *evidence.source == SideState::Missing && !is_of_the_web;
    if gone {
        advice.push(
            "the source has no such object: there is nothing to copy. Check the key, byte for byte"
                .to_owned(),
        );
    }
    advice.extend(not_seen("source", Some(evidence.source)));
    advice.extend(not_seen("destination", evidence.destination));
    if evidence.filtered_out {
        advice.push("INCLUDE and EXCLUDE leave the key out: it is not sent until they admit it".to_owned());
    }
    match (&records.success, &records.failed, &records.dead) {
        (Some(success), Some(failed), None)
            if records.earlier.iter().chain([failed]).all(|failed| failed.is_covered_by(success)) =>
        {
            advice.push(format!(
                "it was accepted after it had failed: nothing to send. {} removes the failed record",
                replay(evidence.key, "")
            ));
        }
        (_, Some(failed), _) => advice.extend(failure(evidence, failed, "")),
        (_, None, Some(dead)) => {
            let attempts = counted(dead.record.attempts.into(), "attempt");
            advice.push(format!("it was set aside after {attempts}"));
            advice.extend(failure(evidence, dead, " --dead"));
        }
        (_, None, None) if gone => {}
        (Some(success), None, None) => advice.push(accepted(evidence, success)),
        (None, None, None) => advice.push(unrecorded(evidence)),
    }
    advice
}

/// That a side could not be looked at, why, and what to do about it.
fn not_seen(side: &str, state: Option<&SideState>) -> Option<String> {
    match state {
        Some(SideState::Unknown { why, remedy }) => {
            Some(format!("the {side} could not be looked at: {why}: {remedy}"))
        }
        Some(SideState::Present { .. } | SideState::Missing) | None => None,
    }
}

fn failure(evidence: &Evidence<'_>, entry: &Entry, dead: &str) -> Vec<String> {
    let replay = replay(evidence.key, dead);
    let (engine, attempts) = (engine(entry), entry.record.attempts);
    let times = if attempts > 1 { format!(" {attempts} times") } else { String::new() };
    // A host that does not exist was no outage.
    let slip = evidence.oms.filter(|_| engine == EngineName::Oms).and_then(lenient::slip);
    if let (Some(FailureClass::Transient), Some(slip)) = (entry.record.class, slip) {
        return vec![format!("correct SYNC_URL: {slip}"), format!("then {replay} sends it again")];
    }
    match entry.record.class {
        Some(FailureClass::Transient) if entry.record.upload.is_some() => vec![format!(
            "time ran out half-way. {replay} resumes the copy, unless the source has changed since"
        )],
        Some(FailureClass::Transient) => {
            vec![format!("network trouble or a service was down. If that is over, {replay} sends it again")]
        }
        Some(FailureClass::Throttled) => vec![
            format!("too many requests. {replay} sends it again"),
            match engine {
                EngineName::Oms => "if it happens often, lower OMS_MAX_RPS, or ask Huawei for a higher limit",
                EngineName::Copy => "if it happens often, replay with a lower --concurrency",
            }
            .to_owned(),
        ],
        Some(FailureClass::Auth) => vec![
            "credentials or permissions were refused. oms-bridge doctor says which and what to do".to_owned(),
            format!("then {replay} sends it again"),
        ],
        Some(FailureClass::Permanent) => vec![
            match engine {
                EngineName::Oms => {
                    format!(
                        "OMS refused this key{times}: see the error in the record. Fix the key, SYNC_URL or the task"
                    )
                }
                EngineName::Copy => {
                    format!(
                        "source or destination refused this key{times}: see the error in the record. Fix the key or the settings"
                    )
                }
            },
            format!("then {replay} sends it again"),
        ],
        None => vec![format!("the record does not say why it failed. {replay} sends it again")],
    }
}

/// The engine that wrote the record. Records that do not name one are the vendor's, which uses OMS only.
fn engine(entry: &Entry) -> EngineName {
    if entry.record.engine == EngineName::Copy.as_str() { EngineName::Copy } else { EngineName::Oms }
}

fn accepted(evidence: &Evidence<'_>, success: &Entry) -> String {
    let same = evidence.destination.and_then(|there| evidence.source.is_same(there));
    if same == Some(true) {
        return "it arrived: source and destination are the same. Nothing to do".to_owned();
    }
    let (send, engine) = (send(evidence.key), engine(success));
    if evidence.destination != Some(&SideState::Missing) && changed_since(evidence.source, success) {
        let accepted = match engine {
            EngineName::Oms => "OMS accepted the key",
            EngineName::Copy => "it was copied",
        };
        return format!(
            "the source has changed since {accepted}, and no newer event is recorded. {send} sends it again"
        );
    }
    let done = match engine {
        EngineName::Oms => "OMS accepted it, and may not have copied it yet",
        EngineName::Copy => "it was copied",
    };
    match (evidence.destination, engine) {
        (Some(_), _) if evidence.source.is_unknown() => {
            format!(
                "{done}. Whether the destination has the current version is known once the source can be looked at"
            )
        }
        (Some(SideState::Present { .. } | SideState::Missing), EngineName::Oms) => format!(
            "OMS accepted it, but the destination does not have the current version yet. OMS copies later: oms-bridge status shows its counters, and OMS writes lists to oms/sync_task/ in the destination bucket. If it does not arrive, {send} sends it again"
        ),
        (Some(SideState::Present { .. } | SideState::Missing), EngineName::Copy) => format!(
            "it was copied, but the destination does not have the current version: it was changed or removed there since, or the record's note says why there was nothing to copy. {send} copies it again"
        ),
        (Some(SideState::Unknown { .. }), _) => {
            format!("{done}. Whether it arrived is known once the destination can be looked at")
        }
        (None, EngineName::Oms) => format!(
            "{done}. Set {} to see the destination, or look at the lists that OMS writes to oms/sync_task/ in the destination bucket",
            evidence.unset.join(" and ")
        ),
        (None, EngineName::Copy) => {
            format!("{done}. Set {} to see the destination", evidence.unset.join(" and "))
        }
    }
}

fn changed_since(source: &SideState, success: &Entry) -> bool {
    let SideState::Present { last_modified, .. } = source else { return false };
    last_modified.zip(success.written).is_some_and(|(changed, accepted)| changed > accepted)
}

const RECORDED_OF_OTHERS: &str = "what is recorded of it is about another source or destination";

const UNRECORDED: &str =
    "nothing is recorded of it: no event reached the function, or the event was not about a new object";

fn unrecorded(evidence: &Evidence<'_>) -> String {
    let recorded = if evidence.records.others.is_empty() { UNRECORDED } else { RECORDED_OF_OTHERS };
    match evidence.destination {
        Some(there) if evidence.source.is_same(there) == Some(true) => {
            "nothing is recorded of it, but source and destination are the same. Nothing to do".to_owned()
        }
        _ if evidence.source.is_unknown() => {
            format!("{recorded}. Whether there is anything to send is known once the source can be looked at")
        }
        Some(SideState::Unknown { .. }) if !evidence.records.others.is_empty() => {
            format!("{recorded}. Whether it arrived is known once the destination can be looked at")
        }
        _ => format!("{recorded}. {} sends it", send(evidence.key)),
    }
}

fn replay(key: &str, dead: &str) -> String {
    format!("`oms-bridge replay{dead} --prefix {}`", quoted(key))
}

fn send(key: &str) -> String {
    format!("`oms-bridge send -- {}`", quoted(key))
}

#[cfg(test)]
mod tests;
