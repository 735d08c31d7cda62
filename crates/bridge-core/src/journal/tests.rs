use super::*;

fn outcome(etag: Option<&str>, crc64: Option<u64>) -> PutOutcome {
    let mut outcome = PutOutcome::default();
    outcome.etag = etag.map(str::to_owned);
    outcome.crc64 = crc64;
    outcome
}

#[test]
fn only_the_checksum_of_what_was_sent_proves_a_record() {
    // The check values of both algorithms.
    const BODY: &[u8] = b"123456789";
    const CRC64: u64 = 0x995d_c9bb_df19_39fa;
    const MD5: &str = "25f9e794323b453885f5181f1b624d0b";
    for (etag, crc64, proved) in [
        (Some(MD5), None, true),
        (Some("25F9E794323B453885F5181F1B624D0B"), None, true),
        (Some(MD5), Some(CRC64), true),
        (Some("of an encrypted object"), Some(CRC64), true),
        (Some(MD5), Some(CRC64 + 1), false),
        (Some("other"), None, false),
        (None, None, false),
    ] {
        assert_eq!(prove(&outcome(etag, crc64), BODY).is_ok(), proved, "{etag:?} {crc64:?}");
    }
}

#[test]
fn unique_bits_differ() {
    assert_ne!(system_unique(), system_unique());
}
