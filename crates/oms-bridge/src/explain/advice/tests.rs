use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::*;
use bridge_core::journal::StoredRecord;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn entry(written: i64, body: &str) -> Entry {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Entry::new(StoredRecord { name: "n".into(), last_modified: Some(at(written)), body })
}

fn failed(written: i64, class: &str) -> Entry {
    entry(written, &format!(r#"{{"v":1,"class":"{class}","attempts":3}}"#))
}

fn present(size: u64, crc64: Option<u64>, changed: i64) -> SideState {
    SideState::Present {
        size,
        etag: None,
        last_modified: Some(at(changed)),
        crc64,
        content_type: None,
        storage_class: None,
        metadata: Vec::new(),
    }
}

fn advice(records: &KeyRecords, source: &SideState, destination: Option<&SideState>) -> String {
    let unset = &["DEST", "DEST_ENDPOINT"];
    advise(&Evidence { key: "k'1", source, destination, unset, records, oms: None, filtered_out: false })
        .join("\n")
}

#[test]
fn each_class_has_its_own_next_step() {
    let source = present(1, None, 1);
    for (class, words) in [
        ("transient", "a service was down"),
        ("throttled", "OMS_MAX_RPS"),
        ("auth", "oms-bridge doctor"),
        ("permanent", "OMS refused this key"),
    ] {
        let records = KeyRecords { failed: Some(failed(9, class)), ..KeyRecords::default() };
        let text = advice(&records, &source, None);
        assert!(text.contains(words) && text.contains(r"replay --prefix 'k'\''1'"), "{class}: {text}");
    }
    let marker = KeyRecords { failed: Some(entry(9, "")), ..KeyRecords::default() };
    assert!(advice(&marker, &source, None).contains("does not say why"));
}

#[test]
fn an_object_fetched_from_a_url_is_not_expected_in_the_source_bucket() {
    let body = r#"{"v":1,"class":"transient","attempts":1,"url":"https://example.com/a"}"#;
    let of_a_url = KeyRecords { failed: Some(entry(9, body)), ..KeyRecords::default() };
    assert!(!advice(&of_a_url, &SideState::Missing, None).contains("no such object"));
    let of_the_bucket = KeyRecords { failed: Some(failed(9, "transient")), ..KeyRecords::default() };
    assert!(advice(&of_the_bucket, &SideState::Missing, None).contains("no such object"));
}

#[test]
fn a_success_resolves_only_failures_from_before_it_began() {
    let source = present(1, None, 1);
    let success = |began: &str| entry(20, &format!(r#"{{"v":1,"outcome":"accepted","began_at":"{began}"}}"#));
    let records = |success| KeyRecords {
        success: Some(success),
        failed: Some(failed(9, "auth")),
        ..KeyRecords::default()
    };
    let text = advice(&records(success("1970-01-01T00:00:15Z")), &source, None);
    assert!(text.contains("nothing to send"), "{text}");
    for later in [success("1970-01-01T00:00:08Z"), entry(20, "")] {
        assert!(advice(&records(later), &source, None).contains("doctor"));
    }
}

#[test]
fn keys_that_were_set_aside_are_replayed_only_with_dead() {
    let records = KeyRecords { dead: Some(failed(9, "permanent")), ..KeyRecords::default() };
    let text = advice(&records, &present(1, None, 1), None);
    assert!(text.contains("after 3 attempts") && text.contains("replay --dead --prefix"), "{text}");
}

#[test]
fn an_accepted_key_may_not_have_arrived_yet() {
    let records = KeyRecords { success: Some(entry(10, "")), ..KeyRecords::default() };
    let source = present(5, Some(7), 9);
    let with = |destination: Option<&SideState>| advice(&records, &source, destination);
    assert!(with(Some(&present(5, Some(7), 11))).contains("it arrived"));
    assert!(with(Some(&present(5, None, 11))).contains("it arrived"));
    assert!(with(Some(&present(5, Some(8), 11))).contains("does not have the current version"));
    assert!(with(Some(&SideState::Missing)).contains("does not have the current version"));
    assert!(with(None).contains("Set DEST"));
    let overwritten = present(6, None, 11);
    for destination in [None, Some(present(5, None, 10))] {
        let text = advice(&records, &overwritten, destination.as_ref());
        assert!(text.contains("has changed since"), "{text}");
    }
}

/// What could not be looked at is said with its reason and its setting, and nothing is concluded from it.
#[test]
fn a_side_that_could_not_be_looked_at_is_named_and_nothing_is_concluded_from_it() {
    let unknown = |setting: &str| SideState::Unknown {
        why: "403 SignatureDoesNotMatch".to_owned(),
        remedy: format!("check {setting}"),
    };
    let (source, destination) = (unknown("OSS_ACCESS_KEY_SECRET"), unknown("HW_SK"));
    let there = present(5, Some(7), 9);
    let of_source =
        "the source could not be looked at: 403 SignatureDoesNotMatch: check OSS_ACCESS_KEY_SECRET";
    let of_destination = "the destination could not be looked at: 403 SignatureDoesNotMatch: check HW_SK";
    let success = |body: &str| KeyRecords { success: Some(entry(10, body)), ..KeyRecords::default() };
    for (records, done) in [
        (success(""), "OMS accepted it, and may not have copied it yet. "),
        (success(r#"{"v":1,"engine":"copy","outcome":"accepted"}"#), "it was copied. "),
        (KeyRecords::default(), "nothing is recorded of it"),
    ] {
        for (source, destination, said, known) in [
            (&source, Some(&there), &[of_source][..], "known once the source can be looked at"),
            (&source, Some(&SideState::Missing), &[of_source], "known once the source can be looked at"),
            (
                &source,
                Some(&destination),
                &[of_source, of_destination],
                "known once the source can be looked at",
            ),
            (&there, Some(&destination), &[of_destination], "known once the destination can be looked at"),
        ] {
            let text = advice(&records, source, destination);
            let lines: Vec<&str> = text.lines().collect();
            assert_eq!(lines[..said.len()], *said, "{text}");
            assert!(lines[said.len()].starts_with(done), "{text}");
            let is_recorded = records.success.is_some();
            let concludes = text.contains("does not have the current version") || text.contains("Set DEST");
            assert!(!concludes, "{text}");
            // What was never sent is worth sending whatever the destination is.
            let sends = !is_recorded && source == &there;
            assert_eq!(text.contains("oms-bridge send"), sends, "{text}");
            assert_eq!(text.contains(known), !sends, "{text}");
        }
    }
    let text = advise(&Evidence {
        key: "k",
        source: &there,
        destination: None,
        unset: &["DEST_ENDPOINT"],
        records: &success(""),
        oms: None,
        filtered_out: false,
    });
    assert!(text[0].contains("Set DEST_ENDPOINT to see the destination"), "{text:?}");
}

#[test]
fn without_a_record_the_key_can_be_sent() {
    let source = present(1, None, 1);
    assert!(advice(&KeyRecords::default(), &source, None).contains(r"oms-bridge send -- 'k'\''1'"));
    assert!(advice(&KeyRecords::default(), &source, Some(&source)).contains("Nothing to do"));
}

#[test]
fn a_key_without_source_object_is_not_sent() {
    let accepted = KeyRecords { success: Some(entry(10, "")), ..KeyRecords::default() };
    for records in [KeyRecords::default(), accepted] {
        let text = advice(&records, &SideState::Missing, Some(&SideState::Missing));
        assert!(text.starts_with("the source has no such object") && !text.contains("send"), "{text}");
    }
}

#[test]
fn filtered_keys_are_reported() {
    let records = KeyRecords::default();
    let (source, key) = (present(1, None, 1), "k");
    let evidence = Evidence {
        key,
        source: &source,
        destination: None,
        unset: &[],
        records: &records,
        oms: None,
        filtered_out: true,
    };
    assert!(advise(&evidence)[0].contains("INCLUDE"));
}

#[test]
fn a_finished_copy_is_not_reported_as_pending() {
    let (source, gone) = (present(1, None, 1), SideState::Missing);
    let copied = entry(9, r#"{"v":1,"engine":"copy","outcome":"accepted"}"#);
    let records = KeyRecords { success: Some(copied), ..KeyRecords::default() };
    for (destination, words) in [(Some(&gone), "removed there since"), (None, "it was copied. Set DEST")] {
        let text = advice(&records, &source, destination);
        assert!(text.contains(words) && !text.contains("OMS"), "{text}");
    }
    let changed = advice(&records, &present(1, None, 10), None);
    assert!(changed.contains("changed since it was copied"), "{changed}");
}

#[test]
fn a_copy_that_failed_has_advice_of_its_own() {
    let source = present(1, None, 1);
    for (class, upload, words) in [
        ("transient", r#","upload":{"bucket":"b","key":"k","id":"u","part_size":1}"#, "resumes the copy"),
        ("throttled", "", "--concurrency"),
        ("permanent", "", "source or destination refuse"),
    ] {
        let record = format!(r#"{{"v":1,"engine":"copy","class":"{class}"{upload}}}"#);
        let records = KeyRecords { failed: Some(entry(9, &record)), ..KeyRecords::default() };
        let text = advice(&records, &source, None);
        assert!(text.contains(words) && !text.contains("OMS"), "{class}: {text}");
    }
}
