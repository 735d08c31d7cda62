use super::*;
use crate::engine::Acceptance;
use object_copy::outcome::{Attempt, ResumeInfo, VerifiedParts};
use object_copy::transfer::Concern;

pub(super) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_700_000_000_123).unwrap()
}

pub(super) fn failure(class: FailureClass) -> Failure {
    Failure {
        engine: EngineName::Oms,
        class,
        error: match class {
            FailureClass::Permanent => EngineError { status: Some(400), code: None, message: "no".into() },
            _ => EngineError { status: Some(503), code: Some("OMS.2004".into()), message: "later".into() },
        },
        request_id: Some("r1".into()),
        attempt: Attempt::Made,
        open: None,
        concern: Concern::Object,
        request: None,
        unreached: None,
    }
}

fn failed() -> Outcome {
    Outcome::Failed(failure(FailureClass::Transient))
}

fn cut_short(open: Option<OpenUpload>) -> Failure {
    Failure {
        engine: EngineName::Copy,
        error: EngineError::local("time is up"),
        request_id: None,
        open,
        ..failure(FailureClass::Transient)
    }
}

fn upload() -> OpenUpload {
    OpenUpload {
        bucket: "mirror".into(),
        key: "p/k".into(),
        id: "u1".into(),
        part_size: 1 << 20,
        etag: Some("e".into()),
        parts: 3,
        ..OpenUpload::default()
    }
}

fn again(change: &ObjectChange, failure: &Failure, earlier: &[Record]) -> Record {
    Record::failed_again(change, failure, earlier, now(), now())
}

#[test]
fn a_failure_is_written_in_the_published_form() {
    let mut change = ObjectChange::of_key("a/b");
    change.bucket = Some("src".into());
    change.size = Some(123);
    let json = String::from_utf8(Record::new(&change, &failed(), now()).to_json()).unwrap();
    assert_eq!(
        json,
        r#"{"v":1,"key":"a/b","bucket":"src","size":123,"engine":"oms","outcome":"failed","class":"transient","attempts":1,"first_failed_at":"2023-11-14T22:13:20.123Z","last_failed_at":"2023-11-14T22:13:20.123Z","error":{"status":503,"code":"OMS.2004","message":"later"},"request_id":"r1"}"#
    );
}

#[test]
fn a_success_is_written_in_the_published_form() {
    let change = ObjectChange { bucket: Some("src".into()), ..ObjectChange::of_key("a/b") };
    let acceptance =
        Acceptance { engine: EngineName::Copy, request_id: None, note: Some("up to date".into()) };
    let record = Record::new(&change, &Outcome::Accepted(acceptance), now()).begun(Some(now()));
    assert_eq!(
        String::from_utf8(record.to_json()).unwrap(),
        r#"{"v":1,"key":"a/b","bucket":"src","engine":"copy","outcome":"accepted","attempts":1,"began_at":"2023-11-14T22:13:20.123Z","accepted_at":"2023-11-14T22:13:20.123Z","note":"up to date"}"#
    );
}

#[test]
fn a_written_record_can_be_read() {
    let change = ObjectChange {
        provider: Provider::AmazonS3,
        version_id: Some("v".into()),
        sequencer: Some("0A".into()),
        ..ObjectChange::of_key("测\u{1}\"")
    };
    let note = Some("up to date".to_owned());
    for outcome in [
        failed(),
        Outcome::Failed(failure(FailureClass::Permanent)),
        Outcome::Failed(cut_short(Some(upload()))),
        Outcome::Accepted(Acceptance::default()),
        Outcome::Accepted(Acceptance { engine: EngineName::Copy, request_id: None, note }),
    ] {
        let record = Record::new(&change, &outcome, now()).begun(Some(now()));
        assert_eq!(Record::parse(&record.to_json()).unwrap(), record);
        assert_eq!(record.change(&change.key), change);
    }
}

#[test]
fn engine_and_open_upload_are_written_by_their_names() {
    let record = Record::new(&ObjectChange::of_key("k"), &Outcome::Failed(cut_short(Some(upload()))), now());
    let failed: serde_json::Value = serde_json::from_slice(&record.to_json()).unwrap();
    assert_eq!(failed["engine"], "copy");
    let upload = r#"{"bucket":"mirror","key":"p/k","id":"u1","part_size":1048576,"etag":"e","parts":3}"#;
    assert_eq!(failed["upload"], serde_json::from_str::<serde_json::Value>(upload).unwrap());
}

#[test]
fn every_class_has_its_published_name() {
    for (class, name) in [
        (FailureClass::Transient, "transient"),
        (FailureClass::Permanent, "permanent"),
        (FailureClass::Auth, "auth"),
        (FailureClass::Throttled, "throttled"),
    ] {
        let record = Record::new(&ObjectChange::of_key("k"), &Outcome::Failed(failure(class)), now());
        let json: serde_json::Value = serde_json::from_slice(&record.to_json()).unwrap();
        assert_eq!(json["class"], name);
    }
}

#[test]
fn only_another_copy_changes_what_is_known_to_be_open() {
    let change = ObjectChange::of_key("k");
    let first = [Record::new(&change, &Outcome::Failed(cut_short(Some(upload()))), now())];
    assert_eq!(again(&change, &failure(FailureClass::Transient), &first).upload, Some(upload()));
    assert_eq!(again(&change, &cut_short(None), &first).upload, None);
}

#[test]
fn a_copy_that_advances_is_not_counted_against_its_key() {
    let change = ObjectChange::of_key("k");
    let first = [Record::new(&change, &Outcome::Failed(cut_short(Some(upload()))), now())];
    let after = |parts| again(&change, &cut_short(Some(OpenUpload { parts, ..upload() })), &first).attempts;
    assert_eq!((after(4), after(3), after(0)), (1, 2, 2));
}

#[test]
fn another_failure_carries_on_what_several_records_know() {
    let change = ObjectChange { size: Some(7), ..ObjectChange::of_key("k") };
    let earlier = |attempts, first: &str| Record {
        attempts,
        first_failed_at: Some(first.into()),
        ..Record::new(&change, &failed(), now())
    };
    let later = now() + TimeDelta::minutes(10);
    let records = [earlier(2, "2023-11-14T22:13:20.123Z"), earlier(4, "2023-11-13T00:00:00.000Z")];
    let record = Record::failed_again(&change, &failure(FailureClass::Auth), &records, now(), later);
    assert_eq!((record.attempts, record.size, record.class), (5, Some(7), Some(FailureClass::Auth)));
    assert_eq!(record.first_failed_at.as_deref(), Some("2023-11-13T00:00:00.000Z"));
    assert_eq!(record.last_failed_at.as_deref(), Some("2023-11-14T22:23:20.123Z"));
    let marker =
        Record::failed_again(&change, &failure(FailureClass::Auth), &[Record::default()], now(), later);
    assert_eq!((&*marker.key, marker.attempts), ("k", 2));
    assert_eq!(marker.first_failed_at.as_deref(), Some("2023-11-14T22:13:20.123Z"));
}

#[test]
fn only_permanent_failures_count_towards_setting_aside() {
    let change = ObjectChange::of_key("k");
    let mut record = Record::new(&change, &failed(), now());
    for _ in 0..60 {
        record = again(&change, &failure(FailureClass::Transient), &[record]);
    }
    assert_eq!((record.attempts, record.permanent_failures), (61, 0));
    record = again(&change, &failure(FailureClass::Permanent), &[record]);
    record = again(&change, &failure(FailureClass::Throttled), &[record]);
    record = again(&change, &failure(FailureClass::Permanent), &[record]);
    assert_eq!((record.attempts, record.permanent_failures), (64, 2));
    let no_task = EngineError { status: Some(404), code: Some("OMS.0054".into()), message: "no task".into() };
    let no_task = Failure { error: no_task, ..failure(FailureClass::Permanent) };
    record = again(&change, &no_task, &[record]);
    let record = Record::parse(&record.to_json()).unwrap();
    assert_eq!((record.class, record.permanent_failures), (Some(FailureClass::Permanent), 2));
    let old = Record::parse(br#"{"v":1,"key":"k","class":"permanent","attempts":7}"#).unwrap();
    assert_eq!(again(&change, &failure(FailureClass::Permanent), &[old]).permanent_failures, 8);
}

#[test]
fn a_success_covers_only_failures_from_before_it_began() {
    let at = |seconds: i64| DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap();
    let change = |event: &str| ObjectChange {
        bucket: Some("src".into()),
        event: EventName::new(event.into()),
        ..ObjectChange::of_key("k")
    };
    let accepted = Outcome::Accepted(Acceptance::default());
    let success = |event| Record::new(&change(event), &accepted, at(0)).begun(Some(at(10)));
    let (created, removed) = (success("ObjectCreated:PutObject"), success("ObjectRemoved:DeleteObject"));
    let here = Some(created.origin());
    assert!(created.covers(Some(at(7)), ChangeKind::Change, here));
    assert!(created.covers(Some(at(7)), ChangeKind::Change, None), "the vendor's markers name no bucket");
    assert!(!created.covers(Some(at(8)), ChangeKind::Change, here), "within the margin");
    assert!(!created.covers(None, ChangeKind::Change, here));
    assert!(!created.covers(Some(at(7)), ChangeKind::Removal, here), "nobody looked whether it is gone");
    assert!(!removed.covers(Some(at(7)), ChangeKind::Removal, here), "only the source can tell");
    let copied = Record { engine: "copy".into(), ..created.clone() };
    assert!(copied.covers(Some(at(7)), ChangeKind::Change, here));
    assert!(!copied.covers(Some(at(7)), ChangeKind::Change, None), "a marker wants OMS to be told");
    assert!(
        removed.covers(Some(at(7)), ChangeKind::Change, here),
        "it would have been copied, had it been there"
    );
    let elsewhere = origin(Provider::Configured, Some("other"), None);
    assert!(!created.covers(Some(at(7)), ChangeKind::Change, Some(elsewhere)));
    let timeless = Record { began_at: None, ..created };
    assert!(!timeless.covers(Some(at(-9999)), ChangeKind::Change, here), "a record of 0.1.0 does not say");
}

#[test]
fn changes_are_sorted_by_what_all_records_have() {
    let record = |key: &str, sequencer: Option<&str>, time: Option<&str>, failed: &str| Record {
        key: key.to_owned(),
        sequencer: sequencer.map(str::to_owned),
        event_time: time.map(str::to_owned),
        last_failed_at: Some(failed.to_owned()),
        ..Record::default()
    };
    let at = |second: u8| format!("2026-01-01T00:00:0{second}Z");
    let sorted = |mut records: Vec<Record>| -> String {
        sort_by_change(&mut records, |record| Some(record));
        records.into_iter().map(|record| record.key).collect()
    };
    let one = |key, sequencer, event: Option<u8>, failed| {
        record(key, sequencer, event.map(at).as_deref(), &at(failed))
    };
    assert_eq!(sorted(vec![one("b", Some("0a"), Some(1), 1), one("a", Some("00FF"), Some(2), 2)]), "ab");
    assert_eq!(sorted(vec![one("b", Some("01"), Some(2), 1), one("a", None, Some(1), 2)]), "ab");
    assert_eq!(sorted(vec![one("b", Some("01"), Some(1), 2), one("a", None, None, 1)]), "ab");
    assert_eq!(sorted(vec![one("a", Some("1"), None, 2), one("b", Some("10"), None, 1)]), "ab", "equal stay");
}

#[test]
fn records_of_older_and_newer_writers_can_be_read() {
    assert_eq!(Record::parse(b"").unwrap(), Record::default());
    assert_eq!(Record::parse(b"{}").unwrap(), Record::default());
    let newer = br#"{"v":2,"key":"k","new":{"x":[1]},"error":{"message":"m","hint":1},"class":"auth"}"#;
    let record = Record::parse(newer).unwrap();
    assert_eq!((record.v, &*record.key, record.class), (2, "k", Some(FailureClass::Auth)));
    let unknown = Record::parse(br#"{"v":2,"key":"k","class":"quota"}"#).unwrap();
    assert_eq!((&*unknown.key, unknown.class), ("k", None));
    assert!(Record::parse(b"garbage").is_err());
}

#[test]
fn the_state_of_an_open_upload_is_read_back() {
    let verified = VerifiedParts { first: 1, count: 3, digest: "d".into(), proved: true };
    let as_left =
        ResumeInfo { last_modified: Some(now()), metadata: Some("m".into()), verified: vec![verified] };
    for as_left in [as_left, ResumeInfo::default()] {
        let open = OpenUpload { as_left: Some(Box::new(as_left)), ..upload() };
        let record =
            Record::new(&ObjectChange::of_key("k"), &Outcome::Failed(cut_short(Some(open.clone()))), now());
        assert_eq!(Record::parse(&record.to_json()).unwrap().upload, Some(open));
    }
}
