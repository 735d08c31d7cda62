use cloud_twin::{ObjectHeaders, ObjectKind, Twin};

use crate::http::Answer;
use crate::sign::{Call, call, get, put};

async fn twin() -> Twin {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_oss_bucket("bucket");
    twin.create_obs_bucket("bucket");
    twin
}

fn append(key: &str, position: u64, body: &str) -> Call {
    call("POST", "bucket", key).query("append", "").query("position", &position.to_string()).body(body)
}

/// What both services do, seen through the caller of one.
async fn grows(prefix: &str, send: impl AsyncFn(Call) -> Answer) {
    let next = format!("{prefix}next-append-position");
    let first = send(append("k", 0, "12345").header("content-type", "text/plain")).await;
    assert_eq!((first.status, first.header(&next)), (200, Some("5")), "{}", first.text());
    let second = send(append("k", 5, "6789").header("content-type", "text/html")).await;
    assert_eq!((second.status, second.header(&next)), (200, Some("9")), "{}", second.text());
    assert_ne!(first.header("etag"), second.header("etag"));
    let read = send(get("bucket", "k")).await;
    assert_eq!((read.text().as_str(), read.header("content-type")), ("123456789", Some("text/plain")));
    assert_eq!(read.header(&format!("{prefix}object-type")), Some("Appendable"));
    for position in [0, 5, 10] {
        let refused = send(append("k", position, "x")).await;
        refused.is_refusal(409, "PositionNotEqualToLength");
        assert_eq!(refused.header(&next), Some("9"));
    }
    send(append("new", 1, "x")).await.is_refusal(409, "PositionNotEqualToLength");
    assert_eq!(send(put("bucket", "put", "x")).await.status, 200);
    send(append("put", 1, "x")).await.is_refusal(409, "ObjectNotAppendable");
    let no_number = call("POST", "bucket", "k").query("append", "").query("position", "").body("x");
    send(no_number).await.is_refusal(400, "InvalidArgument");
}

#[tokio::test]
async fn an_object_grows_by_appends_at_its_end_and_nowhere_else() {
    let twin = twin().await;
    grows("x-oss-", async |call| call.oss(&twin).await.unwrap()).await;
    grows("x-obs-", async |call| call.obs(&twin).await.unwrap()).await;
    // By the names of S3 too OBS tells the position in its own header.
    twin.obs().delete("bucket", "k");
    let by_s3 = append("k", 0, "123456789").aws_v2(&twin).await.unwrap();
    assert_eq!(by_s3.header("x-obs-next-append-position"), Some("9"));
    for objects in [twin.oss(), twin.obs()] {
        let object = objects.get("bucket", "k").unwrap();
        assert_eq!((object.kind, object.crc64), (ObjectKind::Appendable, Some(11_051_210_869_376_104_954)));
        assert_ne!(object.etag.to_lowercase(), "25f9e794323b453885f5181f1b624d0b", "no MD5 of the content");
    }
}

#[tokio::test]
async fn obs_appends_to_nothing_cold() {
    let twin = twin().await;
    twin.obs().put_appendable("bucket", "k", "1");
    twin.obs().modify("bucket", "k", |object| {
        object.headers = ObjectHeaders::default().storage_class("COLD");
    });
    append("k", 1, "x").obs(&twin).await.unwrap().is_refusal(409, "ObjectNotAppendable");
}
