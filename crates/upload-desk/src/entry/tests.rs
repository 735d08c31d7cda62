use super::*;

const NOW: Millis = 1_790_000_000_000;

pub(super) fn pending() -> Entry {
    Entry {
        id: Id::new(NOW, [7; 10]),
        name: "a.jpg".into(),
        key: "uploads/eric/a.jpg".into(),
        ext: "jpg".into(),
        md5: Md5::from_hex("900150983cd24fb0d6963f7d28e17f72"),
        md5_state: Md5State::Declared,
        creator: "eric".into(),
        bucket: "photos".into(),
        size: 3,
        content_type: Some("image/jpeg".into()),
        etag: None,
        state: UploadState::Pending,
        forward: Forward::Waiting,
        note: None,
        source_url: None,
        multipart: None,
        created_at: NOW,
        updated_at: NOW,
        expires_at: Some(NOW + 1000),
        due_at: Some(NOW + 61_000),
        checks: 0,
        revision: 0,
    }
}

fn arrival(etag: &str) -> Arrival {
    Arrival { etag: Some(etag.into()), size: 3, ..Arrival::default() }
}

const ABC: &str = "900150983CD24FB0D6963F7D28E17F72";

#[test]
fn an_arrived_object_is_stored_and_due() {
    let mut entry = pending();
    assert_eq!(entry.record_arrival(arrival(ABC), NOW + 5), ArrivalEffect::FirstSeen);
    assert_eq!(
        (entry.state, entry.due_at, entry.etag.as_deref()),
        (UploadState::Stored, Some(NOW + 5), Some(ABC))
    );
    assert_eq!(entry.content_type.as_deref(), Some("image/jpeg"));
    let stored = entry.clone();
    assert_eq!(entry.record_arrival(arrival("other"), NOW + 6), ArrivalEffect::AlreadyStored);
    assert_eq!(entry, stored);
}

#[test]
fn an_md5_counts_once_oss_agrees() {
    for (etag, md5, expected) in [
        (ABC, None, Md5State::Confirmed),
        ("5B3C1A2E053D763E1B002CC607C5A0FE", None, Md5State::Declared),
        ("X-3", Md5::from_hex(ABC), Md5State::Confirmed),
    ] {
        let mut entry = pending();
        entry.record_arrival(Arrival { md5, ..arrival(etag) }, NOW);
        assert_eq!((entry.md5, entry.md5_state), (Md5::from_hex(ABC), expected), "{etag}");
    }
    let mut undeclared = Entry { md5: None, ..pending() };
    undeclared.record_arrival(arrival(ABC), NOW);
    assert_eq!((undeclared.md5, undeclared.md5_state), (None, Md5State::Declared));
}

#[test]
fn the_bucket_counts_more_than_a_callback() {
    let mut entry = pending();
    let told = Arrival { md5: Md5::from_hex(ABC), size: 99, ..arrival("TOLD") };
    entry.record_arrival(told, NOW);
    assert_eq!(entry.md5_state, Md5State::Confirmed);
    entry.update_from_bucket(Arrival { content_type: Some("text/html".into()), ..arrival("FOUND") });
    assert_eq!((entry.size, entry.etag.as_deref(), entry.md5_state), (3, Some("FOUND"), Md5State::Declared));
    assert_eq!(entry.content_type.as_deref(), Some("text/html"));
    entry.update_from_bucket(arrival(ABC));
    assert_eq!(entry.md5_state, Md5State::Confirmed);
}

#[test]
fn a_missing_object_is_checked_three_more_times() {
    let mut entry = pending();
    entry.record_absence(NOW + 500);
    assert_eq!(entry, pending(), "the policy is still good");
    let mut looks = Vec::new();
    let mut now = NOW + 61_000;
    loop {
        entry.record_absence(now);
        assert_eq!(entry.state, UploadState::Missing);
        let Some(next) = entry.due_at else { break };
        looks.push((next - now) / 60_000);
        now = next;
    }
    assert_eq!(looks, [10, 60, 360]);
    assert_eq!(entry.record_arrival(arrival(ABC), now), ArrivalEffect::FirstSeen);
}

#[test]
fn failed_checks_do_not_reduce_the_number_of_checks() {
    let mut entry = pending();
    let mut now = NOW + 61_000;
    for _ in 0..8 {
        entry.reschedule(now);
        now = entry.due_at.unwrap();
    }
    entry.record_absence(now);
    assert_eq!((entry.state, entry.due_at), (UploadState::Missing, Some(NOW + 61_000 + 600_000)));
    assert_eq!(entry.checks, 0, "the next failure is the first of its kind");
}

#[test]
fn a_stored_object_that_is_gone_is_not_forwarded_until_it_arrives_again() {
    for forward in [Forward::Waiting, Forward::Done] {
        let mut entry = Entry { forward, ..pending() };
        entry.record_arrival(arrival(ABC), NOW);
        entry.record_absence(NOW + 1);
        assert_eq!(
            (entry.state, entry.due_at),
            (UploadState::Missing, Some(NOW + 600_001)),
            "it may be late"
        );
        assert_eq!(entry.note.as_deref(), Some("no longer in the bucket"));
        assert_eq!(entry.record_arrival(arrival(ABC), NOW + 2), ArrivalEffect::FirstSeen);
        assert_eq!(
            (entry.state, entry.forward, entry.due_at),
            (UploadState::Stored, Forward::Waiting, Some(NOW + 2))
        );
    }
    let mut off = Entry { forward: Forward::Off, ..pending() };
    off.record_arrival(arrival(ABC), NOW);
    off.record_absence(NOW + 1);
    off.record_arrival(arrival(ABC), NOW + 2);
    assert_eq!(off.forward, Forward::Off);
}

#[test]
fn an_object_that_was_forwarded_after_its_deletion_is_removed_again() {
    let mut entry = pending();
    assert!(!entry.may_be_forwarded(), "nothing came");
    entry.record_arrival(arrival(ABC), NOW);
    assert!(entry.may_be_forwarded());
    entry.forwarded_after_delete(NOW);
    assert_eq!((entry.state, entry.forward), (UploadState::Stored, Forward::Waiting), "it is not deleted");
    entry.request_deletion(NOW);
    entry.claim(NOW + 30_000);
    entry.mark_removed(NOW + 1);
    entry.forwarded_after_delete(NOW + 2);
    assert_eq!(
        (entry.state, entry.forward, entry.due_at),
        (UploadState::Deleting, Forward::Done, Some(NOW + 2))
    );
}

#[test]
fn an_upload_after_its_removal_is_removed_again() {
    let mut entry = pending();
    assert!(entry.request_deletion(NOW));
    assert!(!entry.request_deletion(NOW));
    entry.claim(NOW + 30_000);
    entry.mark_removed(NOW + 1);
    assert_eq!((entry.state, entry.due_at), (UploadState::Deleted, Some(NOW + 61_000)));
    assert_eq!(entry.record_arrival(arrival(ABC), NOW + 2), ArrivalEffect::DeletePending);
    assert_eq!((entry.state, entry.due_at), (UploadState::Deleting, Some(NOW + 2)));
    entry.claim(NOW + 90_000);
    assert_eq!(entry.record_arrival(arrival(ABC), NOW + 3), ArrivalEffect::DeletePending);
    entry.mark_removed(NOW + 4);
    assert_eq!(
        (entry.state, entry.due_at),
        (UploadState::Deleting, Some(NOW + 3)),
        "that was before it came"
    );
    entry.claim(NOW + 90_000);
    entry.mark_removed(NOW + 61_000);
    assert_eq!((entry.state, entry.due_at), (UploadState::Deleted, None));
}

#[test]
fn failed_work_is_retried_with_growing_delays() {
    let mut entry = pending();
    let mut pauses = Vec::new();
    for _ in 0..12 {
        entry.reschedule(NOW);
        pauses.push((entry.due_at.unwrap() - NOW) / 1000);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
    entry.checks = u32::MAX;
    entry.reschedule(NOW);
    assert_eq!(entry.due_at, Some(NOW + 900_000));
}

#[test]
fn ids_sort_by_time_and_can_be_parsed() {
    let early = Id::new(NOW, [255; 10]);
    let late = Id::new(NOW + 1, [0; 10]);
    assert!(early < late && early.to_string() < late.to_string());
    assert_eq!(early.to_string(), "01a0c4506c00ffffffffffffffffffff");
    assert_eq!(early.to_string().parse(), Ok(early));
    for text in [
        "",
        "01a0c4506c00fffffffffffffffffff",
        "01A0C4506C00FFFFFFFFFFFFFFFFFFFF",
        "+1a0c4506c00ffffffffffffffffffff",
    ] {
        assert_eq!(text.parse::<Id>(), Err(id::InvalidId), "{text}");
    }
}

#[test]
fn names_of_states_can_be_parsed() {
    for state in [
        UploadState::Pending,
        UploadState::Uploading,
        UploadState::Completing,
        UploadState::Fetching,
        UploadState::Stored,
        UploadState::Missing,
        UploadState::Failed,
        UploadState::Deleting,
        UploadState::Deleted,
    ] {
        assert_eq!(UploadState::parse(state.as_str()), Some(state));
    }
    for forward in [Forward::Off, Forward::Waiting, Forward::Done] {
        assert_eq!(Forward::parse(forward.as_str()), Some(forward));
    }
    assert_eq!(UploadState::parse("stored "), None);
}
