//! Tencent Cloud COS.

use super::*;
use crate::change::{EventName, Provider};

fn record(key: &str, bucket: &str, event: &str) -> String {
    format!(
        r#"{{"Records":[{{"cos":{{"cosSchemaVersion":"1.0","cosObject":{{"url":"http://testpic-1253970026.cos.ap-chengdu.myqcloud.com/testfile","meta":{{"x-cos-request-id":"NWMx=","Content-Type":"","ETag":"\"0d7316832fef232e5dcdcf81f39bfdba\""}},"vid":"","key":{},"size":1029}},"cosBucket":{bucket},"cosNotificationId":"unkown"}},"event":{event}}}]}}"#,
        quoted(key)
    )
}

const BUCKET: &str = r#"{"region":"cd","cosRegion":"ap-chengdu","s3Region":"ap-chengdu","name":"testpic","appid":"1253970026"}"#;
const EVENT: &str = r#"{"eventName":"cos:ObjectCreated:Put","eventVersion":"1.0","eventTime":1545205770,"eventSource":"qcs::cos","reqid":179398952}"#;

#[test]
fn a_record_is_taken_with_the_key_and_bucket_that_requests_use() {
    let expected = ObjectChange {
        provider: Provider::TencentCos,
        bucket: Some("testpic-1253970026".into()),
        key: "testfile".into(),
        event: EventName::new("ObjectCreated:Put".into()),
        event_time: Some("2018-12-19T07:49:30Z".into()),
        etag: Some("0d7316832fef232e5dcdcf81f39bfdba".into()),
        size: Some(1029),
        version_id: None,
        sequencer: None,
        url: None,
    };
    let body = record("/1253970026/testpic/testfile", BUCKET, EVENT);
    assert_eq!(raw(&body), Ok(vec![expected.clone()]));
    let versioned = body.replace(r#""vid":"""#, r#""vid":"MTg0""#);
    assert_eq!(raw(&versioned).unwrap()[0].version_id.as_deref(), Some("MTg0"));
    for sparse in [
        record("/1253970026/testpic/testfile", "null", EVENT),
        body.replace("1545205770", r#""2018-12-19T07:49:30Z""#),
    ] {
        assert_eq!(raw(&sparse), Ok(vec![expected.clone()]), "{sparse}");
    }
}

#[test]
fn a_record_needs_no_more_than_its_key() {
    let expected = ObjectChange {
        provider: Provider::TencentCos,
        bucket: Some("b-1".into()),
        ..ObjectChange::of_key("k")
    };
    assert_eq!(raw(r#"{"Records":[{"cos":{"cosObject":{"key":"/1/b/k"}}}]}"#), Ok(vec![expected]));
}

#[test]
fn only_the_place_of_the_bucket_is_taken_off_the_key() {
    for key in ["a/b", "/lead", "tail/", "1253970026/testpic/x", "//", "测试 a+b%20c#?.txt"] {
        let changes = raw(&record(&format!("/1253970026/testpic/{key}"), BUCKET, EVENT)).unwrap();
        assert_eq!(changes[0].key, key);
    }
    let body = record("/1253970026/testpic/a%2Fb+c", BUCKET, EVENT);
    assert_eq!(changes(parse(body.as_bytes(), KeyEncoding::Percent)).unwrap()[0].key, "a/b+c");
}

#[test]
fn a_key_that_lies_elsewhere_is_refused() {
    for key in ["/1253970026/other/k", "/1/testpic/k", "/testfile", "testfile", "1253970026/testpic/k", ""] {
        let error = message(&record(key, BUCKET, EVENT));
        assert!(
            error.contains(
                "Records[0].cos.cosObject.key: does not begin with /<appid>/<bucket>/ of cosBucket"
            ),
            "{error}"
        );
    }
    assert!(message(&record("/1253970026/testpic/", BUCKET, EVENT)).contains("cosObject.key: empty"));
    assert!(message(r#"{"Records":[{"cos":{"cosObject":{}}}]}"#).contains("cos.cosObject.key: missing"));
    assert!(message(r#"{"Records":[{"cos":{}}]}"#).contains("Records[0].cos.cosObject: missing"));
}

proptest! {
    #[test]
    fn any_key_survives(key in "\\PC{1,40}|[\\x01-\\x7f]{1,40}") {
        let changes = raw(&record(&format!("/1253970026/testpic/{key}"), BUCKET, EVENT)).unwrap();
        prop_assert_eq!(&changes[0].key, &key);
    }
}
