//! Batches as the platforms document them, and what one bad or long part of an event does to the rest.

use super::*;

/// A message of a queue as an event stream of Function Compute hands it over.
fn cloud_event(body: &str) -> String {
    format!(
        r#"{{"id":"c2g71017-6f65-fhcf-a814-a396fc8d0000","source":"MNS-Function-mnstrigger","specversion":"1.0","type":"mns:Queue:SendMessage","datacontenttype":"application/json; charset=utf-8","subject":"acs:mns:cn-hangzhou:164901546557:queues/zeus","time":"2021-04-08T06:28:17.093Z","aliyunpublishtime":"2021-10-15T07:06:34.028Z","data":{{"requestId":"606EA3074344430D4C81","messageId":"C6DB60D1574661357FA227277445","messageBody":{}}}}}"#,
        quoted(body)
    )
}

fn array(elements: &[String]) -> String {
    format!("[{}]", elements.join(","))
}

/// With line breaks, as command-line tools make it.
fn in_lines(text: &str) -> String {
    let encoded = BASE64_STANDARD.encode(text);
    let lines: Vec<_> =
        encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join("\n") + "\n"
}

/// A native event of this many elements.
fn native(elements: usize) -> String {
    format!(r#"{{"events":{}}}"#, array(&vec![ELEMENT.to_owned(); elements]))
}

#[test]
fn ten_thousand_messages_of_a_queue_are_as_many_elements() {
    for body in [NATIVE.to_owned(), BASE64_STANDARD.encode(NATIVE), array(&[NATIVE.to_owned()])] {
        let mut batch = vec![cloud_event(&body); 10_000];
        assert_eq!(raw(&array(&batch)).map(|changes| changes.len()), Ok(10_000));
        batch.push(cloud_event(&body));
        assert!(message(&array(&batch)).contains("more than 10000 elements"));
    }
    let raw_data = format!(r#"{{"requestId":"6","messageBody":{}}}"#, quoted(NATIVE));
    assert_eq!(raw(&array(&vec![raw_data; 10_000])).map(|changes| changes.len()), Ok(10_000));
    // All that stand in one message are counted.
    let several = vec![cloud_event(&native(101)); 100];
    assert!(message(&array(&several)).contains("more than 10000 elements"));
    let several = vec![cloud_event(&native(100)); 100];
    assert_eq!(raw(&array(&several)).map(|changes| changes.len()), Ok(10_000));
}

#[test]
fn short_elements_may_be_a_few_thousand() {
    let element = |n: usize| {
        format!(
            r#"{{"eventName":"ObjectRemoved:DeleteObject","oss":{{"bucket":{{"name":"photos"}},"object":{{"key":"photos/2024/{n:05}.jpg"}}}}}}"#
        )
    };
    let elements: Vec<_> = (0..2000).map(element).collect();
    assert!(elements[0].len() < 120);
    assert_eq!(raw(&array(&elements)).map(|changes| changes.len()), Ok(2000));
}

#[test]
fn a_message_with_too_many_elements_takes_no_room_from_the_others() {
    let record = |id: &str, body: &str| {
        format!(r#"{{"messageId":"{id}","body":{},"eventSource":"aws:sqs"}}"#, quoted(body))
    };
    let many = array(&vec!["{}".to_owned(); 3000]);
    let unusable = array(&vec!["{}".to_owned(); 900]);
    let records = [
        record("many", &many),
        record("good", NATIVE),
        record("unusable", &unusable),
        record("long", &native(900)),
        record("last", NATIVE),
    ];
    let batch = format!(r#"{{"Records":{}}}"#, array(&records));
    let Ok(Event::Messages(messages)) = parse(batch.as_bytes(), KeyEncoding::Raw) else { panic!() };
    let taken: Vec<_> = messages
        .iter()
        .map(|message| message.event.as_ref().map(Vec::len).map_err(ToString::to_string))
        .collect();
    assert!(taken[0].as_ref().is_err_and(|error| error.contains("elements in an event")), "{taken:?}");
    assert!(taken[2].is_err(), "{taken:?}");
    assert_eq!((&taken[1], &taken[3], &taken[4]), (&Ok(1), &Ok(900), &Ok(1)));
}

#[test]
fn unknown_members_may_be_long_and_known_ones_may_not() {
    let long = "x".repeat(70_000);
    let unknown = format!(r#""userMetadata":"{long}","others":["{long}"]"#);
    let oss = format!(
        r#"{{{unknown},"bucket":{{{unknown},"name":"b"}},"object":{{{unknown},"key":"k","size":1}}}}"#
    );
    let element = format!(r#"{{{unknown},"eventName":"ObjectCreated:PutObject","oss":{oss}}}"#);
    let s3 = format!(
        r#"{{"Records":[{{{unknown},"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{oss}}}]}}"#
    );
    let bridge = format!(r#"{{"source":"aws.s3","detail-type":"Object Created","detail":{oss},{unknown}}}"#);
    let cos = format!(
        r#"{{"Records":[{{{unknown},"event":{{{unknown},"eventName":"cos:ObjectCreated:Put"}},"cos":{{{unknown},"cosBucket":{{{unknown},"name":"b","appid":"1"}},"cosObject":{{{unknown},"key":"/1/b/k","meta":{{{unknown}}}}}}}}}]}}"#
    );
    for body in [
        format!(r#"{{"events":[{element}]}}"#),
        format!("[{element}]"),
        format!(r#"{{"id":"1","data":{element},{unknown}}}"#),
        element.clone(),
        s3,
        bridge,
        cos,
    ] {
        let keys: Vec<_> = raw(&body).unwrap().into_iter().map(|change| change.key).collect();
        assert_eq!(keys, ["k"]);
    }
    for (body, wanted) in [
        (
            format!(r#"{{"events":[{{"oss":{{"object":{{"key":"{long}"}}}}}}]}}"#),
            "events[0].oss.object.key: longer than 65536 bytes",
        ),
        (
            format!(r#"{{"events":[{{"oss":"{long}"}}]}}"#),
            "events[0].oss: invalid type: string, expected an object",
        ),
        (format!(r#"{{"events":["{long}"]}}"#), "events[0]: longer than 65536 bytes, and not an object"),
        (
            format!(r#"{{"events":[{{"eventName":7,{unknown}}}]}}"#),
            "events[0].eventName: invalid type: integer `7`, expected a string",
        ),
    ] {
        assert!(message(&body).contains(wanted), "{}", message(&body));
    }
}

#[test]
fn base64_with_line_breaks_may_stand_in_another_envelope() {
    let event = native(300);
    assert!(event.len() > 64 << 10);
    for body in [
        format!(r#"{{"data":{{"messageBody":{}}}}}"#, quoted(&in_lines(&event))),
        in_lines(&format!(r#"{{"Message":{}}}"#, quoted(&event))),
        cloud_event(&in_lines(&format!(r#"{{"Message":"{}"}}"#, BASE64_STANDARD.encode(&event)))),
    ] {
        assert_eq!(raw(&body).map(|changes| changes.len()), Ok(300));
    }
    let bad = in_lines(NATIVE).replacen('\n', "\n*", 1);
    assert!(message(&bad).contains("neither JSON nor base64"), "{}", message(&bad));
}
