//! `x-oss-process` on reading.

use cloud_twin::{ObjectHeaders, Twin};

use crate::http::Answer;
use crate::sign::get;

async fn twin() -> Twin {
    let twin = Twin::builder().start().await.unwrap();
    let gif = b"GIF89a\x03\0\x04\0".as_slice();
    twin.oss().put_with("bucket", "a.gif", gif, ObjectHeaders::default().content_type("image/gif"));
    twin.oss().put_with("bucket", "a.svg", "<svg/>", ObjectHeaders::default().content_type("image/svg+xml"));
    twin.oss().put_with("bucket", "a.mp4", "video", ObjectHeaders::default().content_type("video/mp4"));
    twin.oss().put("bucket", "a.txt", "text");
    twin
}

async fn process(twin: &Twin, key: &str, process: &str) -> Answer {
    get("bucket", key).query("x-oss-process", process).oss(twin).await.unwrap()
}

#[tokio::test]
async fn a_picture_comes_as_it_is_and_tells_its_size() {
    let twin = twin().await;
    for actions in ["image/resize,w_200", "image/resize,m_fill,w_1,h_1/format,png/quality,q_80"] {
        let answer = process(&twin, "a.gif", actions).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"GIF89a\x03\0\x04\0"[..]), "{actions}");
        assert_eq!(answer.header("content-type"), Some("image/gif"));
    }
    let info = process(&twin, "a.gif", "image/info").await.json();
    assert_eq!((&info["ImageWidth"]["value"], &info["Format"]["value"]), (&"3".into(), &"gif".into()));
    process(&twin, "a.svg", "image/info").await.is_refusal(400, "BadRequest");
    for key in ["a.txt", "a.mp4"] {
        process(&twin, key, "image/resize,w_200").await.is_refusal(400, "BadRequest");
        process(&twin, key, "image/info").await.is_refusal(400, "BadRequest");
    }
}

#[tokio::test]
async fn a_frame_of_a_video_is_a_small_picture() {
    let twin = twin().await;
    for (actions, content_type, start) in [
        ("video/snapshot,t_1000,f_jpg,w_800,h_0,m_fast", "image/jpeg", &b"\xff\xd8\xff"[..]),
        ("video/snapshot,t_0", "image/jpeg", b"\xff\xd8\xff"),
        ("video/snapshot,t_7000,f_png,ar_auto", "image/png", b"\x89PNG"),
    ] {
        let answer = process(&twin, "a.mp4", actions).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(content_type)), "{actions}");
        assert!(answer.body.starts_with(start), "{actions}");
        assert_eq!(answer.header("etag"), None);
    }
    process(&twin, "a.gif", "video/snapshot,t_0").await.is_refusal(400, "BadRequest");
    for wrong in ["f_32", "t_now", "x_1", "f"] {
        let answer = process(&twin, "a.mp4", &format!("video/snapshot,t_0,{wrong}")).await;
        answer.is_refusal(400, "InvalidArgument");
    }
}

#[tokio::test]
async fn what_is_not_known_is_refused_and_what_is_signed_cannot_be_changed() {
    let twin = twin().await;
    for unknown in
        ["", "image", "image/", "image/shrink,w_1", "video/convert", "video/snapshot,t_0/x", "audio/x"]
    {
        let answer = process(&twin, "a.gif", unknown).await;
        if unknown.is_empty() {
            assert_eq!(answer.status, 501, "a parameter without value names a sub-resource");
        } else {
            answer.is_refusal(400, "InvalidArgument");
        }
    }
    let obs = Twin::builder().start().await.unwrap();
    obs.obs().put("bucket", "k", "body");
    let answer = get("bucket", "k").query("x-oss-process", "image/info").obs(&obs).await.unwrap();
    assert_eq!(answer.text(), "body");
    let overridden = get("bucket", "a.gif").query("response-content-disposition", "attachment");
    let answer = overridden.query("x-oss-process", "image/resize,w_1").oss(&twin).await.unwrap();
    assert_eq!(answer.header("content-disposition"), Some("attachment"));
}
