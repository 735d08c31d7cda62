use super::*;

fn outcome(etag: Option<&str>, crc64: Option<u64>) -> PutOutcome {
    let mut outcome = PutOutcome::default();
    outcome.etag = etag.map(str::to_owned);
    outcome.crc64 = crc64;
    outcome
}

#[test]
fn only_the_checksum_of_what_was_sent_proves_a_record() {
    const MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";
    for (etag, crc64, proved) in [
        (Some(MD5), None, true),
        (Some("D41D8CD98F00B204E9800998ECF8427E"), Some(7), true),
        (Some("of an encrypted object"), Some(7), true),
        (Some(MD5), Some(8), false),
        (Some("other"), None, false),
        (None, None, false),
    ] {
        assert_eq!(prove(&outcome(etag, crc64), MD5, 7).is_ok(), proved, "{etag:?} {crc64:?}");
    }
}

#[test]
fn unique_bits_differ() {
    assert_ne!(system_unique(), system_unique());
}
