//! Amazon S3: its notifications, and all that may stand around them.

use super::*;
use crate::change::{EventName, Provider};

const RECORD: &str = r#"{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-west-2","eventTime":"1970-01-01T00:00:00.000Z","eventName":"ObjectCreated:Put","userIdentity":{"principalId":"AIDAJDPLRKLG7UEXAMPLE"},"requestParameters":{"sourceIPAddress":"127.0.0.1"},"responseElements":{"x-amz-request-id":"C3D13FE58DE4C810"},"s3":{"s3SchemaVersion":"1.0","configurationId":"testConfigRule","bucket":{"name":"mybucket","ownerIdentity":{"principalId":"A3NL1KOZZKExample"},"arn":"arn:aws:s3:::mybucket"},"object":{"key":"red+flower%2B1.jpg","size":1024,"eTag":"d41d8cd98f00b204e9800998ecf8427e","versionId":"096fKKXTRTtl3on89fVO.nfljtsv6qko","sequencer":"0055AED6DCD90281E5"}}}"#;
const TEST_EVENT: &str = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","Bucket":"mybucket","RequestId":"5582815E1AEA5ADF","HostId":"8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE"}"#;

fn change() -> ObjectChange {
    ObjectChange {
        provider: Provider::AmazonS3,
        bucket: Some("mybucket".into()),
        key: "red flower+1.jpg".into(),
        event: EventName::new("ObjectCreated:Put".into()),
        event_time: Some("1970-01-01T00:00:00.000Z".into()),
        etag: Some("d41d8cd98f00b204e9800998ecf8427e".into()),
        size: Some(1024),
        version_id: Some("096fKKXTRTtl3on89fVO.nfljtsv6qko".into()),
        sequencer: Some("0055AED6DCD90281E5".into()),
        url: None,
    }
}

fn records<T: AsRef<str>>(records: impl IntoIterator<Item = T>) -> String {
    let records: Vec<String> = records.into_iter().map(|record| record.as_ref().to_owned()).collect();
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

fn notification() -> String {
    records([RECORD])
}

fn topic(message: &str) -> String {
    format!(
        r#"{{"Type":"Notification","MessageId":"22b80b92","TopicArn":"arn:aws:sns:us-west-2:123456789012:t","Subject":"Amazon S3 Notification","Message":{},"Timestamp":"2012-05-02T00:54:06.655Z","SignatureVersion":"1"}}"#,
        quoted(message)
    )
}

fn topic_record(message: &str) -> String {
    format!(
        r#"{{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":"arn:aws:sns:us-west-2:1:t:1","Sns":{}}}"#,
        topic(message)
    )
}

fn queue_record(id: &str, body: &str) -> String {
    format!(
        r#"{{"messageId":"{id}","receiptHandle":"AQEB","body":{},"attributes":{{"ApproximateReceiveCount":"1"}},"messageAttributes":{{}},"md5OfBody":"e4e6","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-west-2:1:q","awsRegion":"us-west-2"}}"#,
        quoted(body)
    )
}

fn bridge(detail_type: &str, detail: &str) -> String {
    format!(
        r#"{{"version":"0","id":"17793124-05d4-b198-2fde-7ededc63b103","detail-type":"{detail_type}","source":"aws.s3","account":"111122223333","time":"2021-11-12T00:00:00Z","region":"ca-central-1","resources":["arn:aws:s3:::b"],"detail":{detail}}}"#
    )
}

fn messages(body: &str) -> Vec<Message> {
    match parse(body.as_bytes(), KeyEncoding::Raw) {
        Ok(Event::Messages(messages)) => messages,
        other => panic!("{other:?}"),
    }
}

fn with_object(object: &str) -> String {
    records([format!(
        r#"{{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"b"}},"object":{object}}}}}"#
    )])
}

#[test]
fn every_way_of_a_notification_gives_the_same_change() {
    for (way, body) in [
        ("to Lambda", notification()),
        ("to a topic", topic(&notification())),
        ("to a topic, to Lambda", records([topic_record(&notification())])),
        ("prefixed name", notification().replace("ObjectCreated:Put", "s3:ObjectCreated:Put")),
        ("unified version", notification().replace("2.1", "2.6")),
        ("newer version with more members", notification().replace(r#""2.1""#, r#""2.99","more":{"a":[1]}"#)),
        (
            "member of another kind of event",
            notification().replace(r#""awsRegion""#, r#""glacierEventData":{},"awsRegion""#),
        ),
    ] {
        assert_eq!(raw(&body), Ok(vec![change()]), "{way}");
        assert_eq!(parse_message(&body, KeyEncoding::Raw), Ok(vec![change()]), "{way}");
        assert_eq!(
            messages(&records([queue_record("1", &body)])),
            [Message { id: "1".into(), event: Ok(vec![change()]) }],
            "{way}"
        );
    }
}

#[test]
fn only_bucket_key_and_name_are_needed() {
    let expected = ObjectChange {
        provider: Provider::AmazonS3,
        bucket: Some("b".into()),
        event: EventName::new("ObjectCreated:Put".into()),
        ..ObjectChange::of_key("k")
    };
    assert_eq!(raw(&with_object(r#"{"key":"k"}"#)), Ok(vec![expected.clone()]));
    let nothing = r#"{"key":"k","size":null,"eTag":null,"versionId":null,"sequencer":null}"#;
    assert_eq!(raw(&with_object(nothing)), Ok(vec![expected]));
}

#[test]
fn the_setting_for_keys_is_not_for_notifications() {
    let percent = parse(with_object(r#"{"key":"a+%2525"}"#).as_bytes(), KeyEncoding::Percent);
    assert_eq!(changes(percent).unwrap()[0].key, "a %25");
}

#[test]
fn no_records_and_the_test_event_ask_for_nothing() {
    for body in [r#"{"Records":[]}"#.to_owned(), TEST_EVENT.to_owned(), topic(TEST_EVENT)] {
        assert_eq!(parse(body.as_bytes(), KeyEncoding::Raw), Ok(Event::Changes(vec![])), "{body}");
        assert_eq!(parse_message(&body, KeyEncoding::Raw), Ok(vec![]), "{body}");
    }
}

#[test]
fn each_message_of_a_queue_stands_alone() {
    let created = bridge("Object Created", r#"{"bucket":{"name":"b"},"object":{"key":"k"}}"#);
    let bodies =
        [&*notification(), &topic(&notification()), &created, TEST_EVENT, "hello", "", r#"{"Records":[{}]}"#];
    let batch = bodies.iter().enumerate().map(|(index, body)| queue_record(&format!("m{index}"), body));
    let messages = messages(&records(batch));
    assert_eq!(messages.len(), 7);
    let told: Vec<_> = messages
        .iter()
        .map(|message| message.event.as_ref().map(Vec::len).map_err(ToString::to_string))
        .collect();
    assert_eq!(told[..4], [Ok(1), Ok(1), Ok(1), Ok(0)]);
    for (index, wanted) in [
        (4, "Records[4].body: the body is neither JSON nor base64"),
        (5, "Records[5].body: the body is empty"),
        (6, "Records[6].body.Records[0].eventSource: missing"),
    ] {
        assert!(told[index].as_ref().unwrap_err().contains(wanted), "{:?}", told[index]);
        assert_eq!(messages[index].id, format!("m{index}"));
    }
    let [message] = &*self::messages(&records([r#"{"eventSource":"aws:sqs","messageId":"m"}"#])) else {
        panic!()
    };
    assert!(message.event.as_ref().unwrap_err().to_string().contains("Records[0].body: missing"));
}

#[test]
fn a_message_of_a_queue_holds_no_timer_and_no_further_queue() {
    let timer = r#"{"triggerName":"t","payload":"{\"action\":\"replay\"}"}"#;
    let error = parse_message(timer, KeyEncoding::Raw).unwrap_err().to_string();
    assert!(error.contains("a timer event in a message of a queue"), "{error}");
    let batch = records([queue_record("1", &notification())]);
    for body in [parse_message(&batch, KeyEncoding::Raw).unwrap_err(), raw(&topic(&batch)).unwrap_err()] {
        assert!(
            body.to_string().contains("Records[0]: a message of a queue inside another message"),
            "{body}"
        );
    }
}

#[test]
fn a_mixture_is_refused() {
    let queued = queue_record("1", &notification());
    let cos = r#"{"cos":{"cosObject":{"key":"/1/b/k"}}}"#;
    for (body, wanted) in [
        (records([RECORD, &queued]), "Records[1]: a record of aws:sqs among records of aws:s3"),
        (records([cos, RECORD]), "Records[1]: a record of aws:s3 among records of qcs::cos"),
        (records([RECORD, "{}"]), "Records[1].eventSource: missing"),
        (
            records([r#"{"eventSource":"aws:dynamodb","dynamodb":{}}"#]),
            r#"Records[0].eventSource: "aws:dynamodb" is not known"#,
        ),
        (format!("[{},{}]", records([&queued]), notification()), "messages of a queue among object events"),
        (
            format!(r#"{{"events":[],"Records":[{RECORD}]}}"#),
            "two forms of events in one: `events` and `Records`",
        ),
        (
            format!(r#"{{"detail-type":"x","detail":{{}},"Records":[{RECORD}]}}"#),
            "`Records` and `detail-type`",
        ),
    ] {
        assert!(message(&body).contains(wanted), "{body}: {}", message(&body));
    }
}

#[test]
fn errors_name_what_is_wrong_with_a_record() {
    for (body, wanted) in [
        (
            notification().replace("2.1", "3.0"),
            r#"Records[0].eventVersion: version "3.0" is not known, only 2.x is"#,
        ),
        (records([r#"{"eventSource":"aws:s3","eventName":"x"}"#]), "Records[0].s3: missing"),
        (notification().replace("ObjectCreated:Put", ""), "Records[0].eventName: missing"),
        (notification().replace(r#""name":"mybucket","#, ""), "Records[0].s3.bucket.name: missing"),
        (with_object("null"), "Records[0].s3.object: missing"),
        (with_object("{}"), "Records[0].s3.object.key: missing"),
        (with_object(r#"{"key":""}"#), "Records[0].s3.object.key: empty"),
        (with_object(r#"{"key":7}"#), "Records[0].s3.object.key: invalid type: integer `7`"),
        (with_object(r#"{"key":"%FF"}"#), "Records[0].s3.object.key: not UTF-8 once form-decoded"),
        (with_object(r#"{"key":"100%"}"#), "Records[0].s3.object.key: not form-encoded"),
        (records([topic_record("hello")]), "Records[0].Sns.Message: the body is neither JSON nor base64"),
        (records([r#"{"EventSource":"aws:sns","Sns":{}}"#]), "Records[0].Sns.Message: missing"),
        (records([r#"{"eventSource":"aws:sqs","body":"x"}"#]), "Records[0].messageId: missing"),
        (
            r#"{"Event":"s3:Other","Bucket":"b"}"#.into(),
            "no known event form: an object with `Bucket`, `Event`",
        ),
        (r#"{"Event":7}"#.into(), "Event: invalid type: integer"),
    ] {
        assert!(message(&body).contains(wanted), "{body}: {}", message(&body));
    }
}

#[test]
fn news_of_a_subscription_say_what_to_do() {
    for (kind, wanted) in [
        ("SubscriptionConfirmation", "confirm it with `aws sns confirm-subscription`"),
        ("UnsubscribeConfirmation", "subscribe again"),
    ] {
        let body = topic("You have chosen to subscribe to the topic.")
            .replace("Notification\",\"MessageId", &format!("{kind}\",\"Token\":\"2336412f37\",\"MessageId"));
        let error = message(&body);
        assert!(error.contains(wanted) && error.contains("arn:aws:sns:us-west-2:123456789012:t"), "{error}");
        assert!(!error.contains("2336412f37"), "whoever reads the log could confirm: {error}");
    }
}

#[test]
fn topics_and_queues_do_not_nest_without_end() {
    let mut body = notification();
    for _ in 0..4 {
        body = topic(&body);
    }
    assert_eq!(raw(&body), Ok(vec![change()]));
    assert!(
        parse_message(&body, KeyEncoding::Raw).unwrap_err().to_string().contains("more than 4 envelopes")
    );
    assert!(message(&topic(&body)).contains("more than 4 envelopes"));
}

#[test]
fn keys_of_eventbridge_are_not_encoded() {
    let body = bridge(
        "Object Created",
        r#"{"version":"0","event-version":"1.2","bucket":{"name":"b"},"object":{"key":"a+b %20:测","size":5,"etag":"b1946ac92492d2347c6235b4d2611184","version-id":"IYV3p45BT0ac8hjHg1houSdS1a.Mro8e","sequencer":"617f08299329d189"},"request-id":"N4N7GDK58NMKJ12R","requester":"123456789012","source-ip-address":"1.2.3.4","reason":"PutObject"}"#,
    );
    let expected = ObjectChange {
        provider: Provider::AmazonS3,
        bucket: Some("b".into()),
        key: "a+b %20:测".into(),
        event: EventName::new("ObjectCreated:PutObject".into()),
        event_time: Some("2021-11-12T00:00:00Z".into()),
        etag: Some("b1946ac92492d2347c6235b4d2611184".into()),
        size: Some(5),
        version_id: Some("IYV3p45BT0ac8hjHg1houSdS1a.Mro8e".into()),
        sequencer: Some("617f08299329d189".into()),
        url: None,
    };
    assert_eq!(raw(&body), Ok(vec![expected.clone()]));
    let percent = changes(parse(body.as_bytes(), KeyEncoding::Percent)).unwrap();
    assert_eq!(percent[0].key, "a+b  :测", "an emulator encodes them");
    assert_eq!(parse_message(&topic(&body), KeyEncoding::Raw), Ok(vec![expected]));
}

#[test]
fn events_of_eventbridge_get_the_names_of_notifications() {
    for (detail_type, more, name) in [
        ("Object Created", r#","reason":"POST Object""#, "ObjectCreated:POST Object"),
        ("Object Created", "", "ObjectCreated"),
        (
            "Object Deleted",
            r#","reason":"DeleteObject","deletion-type":"Permanently Deleted""#,
            "ObjectRemoved:Delete",
        ),
        (
            "Object Deleted",
            r#","reason":"DeleteObject","deletion-type":"Delete Marker Created""#,
            "ObjectRemoved:DeleteMarkerCreated",
        ),
        (
            "Object Deleted",
            r#","reason":"Lifecycle Expiration","deletion-type":"Delete Marker Created""#,
            "LifecycleExpiration:DeleteMarkerCreated",
        ),
        ("Object Deleted", r#","reason":"Lifecycle Expiration""#, "LifecycleExpiration:Delete"),
        ("Object Deleted", "", "ObjectRemoved:Delete"),
        ("Object Restore Initiated", "", "ObjectRestore:Post"),
        ("Object Restore Completed", "", "ObjectRestore:Completed"),
        ("Object Restore Expired", "", "ObjectRestore:Delete"),
        ("Object Tags Added", "", "ObjectTagging:Put"),
        ("Object Tags Deleted", "", "ObjectTagging:Delete"),
        ("Object ACL Updated", "", "ObjectAcl:Put"),
        ("Object Storage Class Changed", "", "LifecycleTransition"),
        ("Object Access Tier Changed", "", "IntelligentTiering"),
        ("Object Sung About", "", "Object Sung About"),
    ] {
        let body =
            bridge(detail_type, &format!(r#"{{"bucket":{{"name":"b"}},"object":{{"key":"k"}}{more}}}"#));
        assert_eq!(raw(&body).unwrap()[0].event.as_str(), name, "{body}");
    }
}

#[test]
fn errors_name_what_is_wrong_with_an_event_of_eventbridge() {
    let created = |detail| bridge("Object Created", detail);
    for (body, wanted) in [
        (
            created(r#"{"event-version":"2.0","bucket":{"name":"b"},"object":{"key":"k"}}"#),
            r#"detail.event-version: version "2.0" is not known, only 1.x is"#,
        ),
        (created(r#"{"object":{"key":"k"}}"#), "detail.bucket.name: missing"),
        (created(r#"{"bucket":{"name":"b"}}"#), "detail.object: missing"),
        (created(r#"{"bucket":{"name":"b"},"object":{}}"#), "detail.object.key: missing"),
        (created(r#"{"bucket":{"name":"b"},"object":{"key":""}}"#), "detail.object.key: empty"),
        (created(r#"{"bucket":{"name":"b"},"object":{"key":[]}}"#), "detail.object.key: invalid type"),
        (
            bridge("AWS API Call via CloudTrail", "{}"),
            r#"detail-type: "AWS API Call via CloudTrail" tells of requests, not of objects"#,
        ),
        (created("{}").replace("aws.s3", "aws.ec2"), r#"source: "aws.ec2" is not "aws.s3""#),
        (created("{}").replace(r#""source":"aws.s3","#, ""), r#"source: "" is not "aws.s3""#),
        (r#"{"detail-type":"Object Created"}"#.into(), "no known event form: an object with `detail-type`"),
        (r#"{"detail":{}}"#.into(), "no known event form: an object with `detail`"),
    ] {
        assert!(message(&body).contains(wanted), "{body}: {}", message(&body));
    }
}

proptest! {
    #[test]
    fn any_key_survives_all_envelopes(key in "\\PC{1,40}|[\\x01-\\x7f]{1,40}") {
        let form: String = key.bytes().map(percent_encoding::percent_encode_byte).collect();
        let body = topic(&with_object(&format!(r#"{{"key":"{form}"}}"#)));
        let [message] = &*messages(&records([queue_record("1", &body)])) else { panic!() };
        prop_assert_eq!(&message.event.as_ref().unwrap()[0].key, &key);
        let body = bridge("Object Created", &format!(r#"{{"bucket":{{"name":"b"}},"object":{{"key":{}}}}}"#, quoted(&key)));
        prop_assert_eq!(&raw(&body).unwrap()[0].key, &key);
    }

    #[test]
    fn no_cut_of_a_batch_panics(cut in 0_usize..600) {
        let body = records([queue_record("1", &notification())]);
        prop_assert!(raw(&body[..cut.min(body.len() - 1)]).is_err());
    }
}
