//! Uploads in parts: what goes well, and who may do what.

use e2e::Cloud;
use e2e::cloud::SOURCE;
use e2e::desk::{ADMIN, Answered, ERIC, MIA, md5};
use reqwest::Method;
use serde_json::json;

use crate::parts::{PART, Parts, content, digest, put, send_all};
use crate::support::{key, metric};

#[tokio::test]
async fn a_large_file_goes_up_in_parts_and_is_forwarded() {
    let cloud = Cloud::start().await;
    let desk = Parts::desk(&cloud).await.start().await;
    let me = desk.get(ERIC, "/me").await.body;
    assert_eq!(me["multipart_above"], 16 * PART);
    let content = content(2 * PART + 5);
    let begun = desk
        .post(
            ERIC,
            "/uploads/multipart",
            json!({"name": "film.mp4", "type": "video/mp4", "size": content.len()}),
        )
        .await;
    assert_eq!((begun.status, &begun.body["state"]), (201, &json!("uploading")), "{begun:?}");
    assert_eq!(
        (&begun.body["multipart"]["part_size"], &begun.body["multipart"]["parts"]),
        (&json!(PART), &json!(3))
    );
    let upload = Parts::of(&desk, &begun, &content);
    for number in [3, 1] {
        upload.send(ERIC, number).await;
    }
    let path = format!("/uploads/{}", begun.id());
    assert_eq!(desk.get(ERIC, "/uploads/multipart").await.body["uploads"][0]["id"], begun.id());
    let stored = desk.get(ERIC, &format!("{path}/parts")).await;
    let numbers: Vec<_> =
        stored.body["parts"].as_array().unwrap().iter().map(|part| part["number"].clone()).collect();
    assert_eq!(numbers, [1, 3], "{stored:?}");
    assert_eq!(stored.body["parts"][1]["size"], 5);
    assert_eq!(stored.body["parts"][1]["etag"].as_str().unwrap().to_lowercase(), md5(&content[2 * PART..]));
    upload.send(ERIC, 2).await;
    let completing = upload.complete(ERIC).await;
    assert_eq!((completing.status, &completing.body["state"]), (202, &json!("completing")), "{completing:?}");
    let object = desk.until_forwarded(ERIC, &begun.id()).await;
    assert_eq!(
        (&object["name"], &object["type"], &object["size"]),
        (&json!("film.mp4"), &json!("video/mp4"), &json!(content.len()))
    );
    assert_eq!(cloud.twin.oss().get(SOURCE, &key(&begun)).unwrap().body, content);
    assert_eq!(cloud.sent(&key(&begun)), 1);
    assert_eq!(desk.get(ERIC, "/uploads/multipart").await.body["uploads"], json!([]));
    assert_eq!(
        (metric(&desk, ERIC, "uploads_allowed").await, metric(&desk, ERIC, "objects_stored").await),
        (1, 1)
    );
    assert_eq!(cloud.twin.oss().uploads(SOURCE), []);
}

#[tokio::test]
async fn nobody_touches_the_upload_of_another_user() {
    let cloud = Cloud::start().await;
    let (desk, content, begun) = Parts::begun(&cloud, PART + 1).await;
    let upload = Parts::of(&desk, &begun, &content);
    upload.send(ERIC, 1).await;
    upload.send(ERIC, 2).await;
    let path = format!("/uploads/{}", begun.id());
    for user in [MIA, ADMIN] {
        let signed = upload.sign(user, 1).await;
        let listed = desk.get(user, &format!("{path}/parts")).await;
        let completed = upload.complete(user).await;
        let aborted = desk.delete(user, &path).await;
        for answered in [signed, listed, completed, aborted] {
            assert_eq!((answered.status, answered.code()), (404, "not_found"), "{answered:?}");
        }
        assert_eq!(desk.get(user, "/uploads/multipart").await.body["uploads"], json!([]));
    }
    let routes = [
        (Method::GET, "/uploads/multipart".to_owned()),
        (Method::POST, "/uploads/multipart".to_owned()),
        (Method::GET, format!("{path}/parts")),
        (Method::POST, format!("{path}/parts")),
        (Method::POST, format!("{path}/complete")),
        (Method::DELETE, path.clone()),
    ];
    for (method, route) in routes {
        let refused = desk.send(method.clone(), &route, None, Some(json!({}))).await;
        assert_eq!(refused.status(), 401, "{method} {route}");
    }
    assert_eq!(cloud.twin.oss().uploads(SOURCE).len(), 1);
    assert_eq!(upload.complete(ERIC).await.status, 202);
    desk.until_forwarded(ERIC, &begun.id()).await;
}

#[tokio::test]
async fn a_signed_part_takes_its_own_content_only_and_for_a_while() {
    let cloud = Cloud::start().await;
    let desk = Parts::desk(&cloud).await.set("DESK_UPLOAD_EXPIRY", "60").start().await;
    let content = content(PART + 1);
    let begun = Parts::begin(&desk, ERIC, "a.bin", &content).await;
    let upload = Parts::of(&desk, &begun, &content);
    let signed = upload.sign(ERIC, 1).await.body["parts"][0].clone();
    let url = signed["url"].as_str().unwrap();
    assert!(url.contains("x-oss-expires=60&"), "{url}");
    let own = signed["headers"][0][1].as_str().unwrap().to_owned();
    let part = &content[..PART];
    let mut other = part.to_vec();
    other[7] ^= 1;
    assert_eq!(put(url, Some(&own), &other).await.status(), 400, "other content");
    assert_eq!(put(url, None, part).await.status(), 403, "without the digest");
    let digest_of_other = digest(&other);
    assert_eq!(put(url, Some(&digest_of_other), &other).await.status(), 403, "another digest");
    let moved = url.replace("partNumber=1", "partNumber=2");
    assert_eq!(put(&moved, Some(&own), part).await.status(), 403, "another number");
    let renamed = url.replace("a.bin", "b.bin");
    assert_eq!(put(&renamed, Some(&own), part).await.status(), 403, "another key");
    assert_eq!(put(url, Some(&own), part).await.status(), 200);
}

#[tokio::test]
async fn parts_that_are_not_the_file_are_not_completed() {
    let cloud = Cloud::start().await;
    // By V1 a part of another size can be sent.
    let desk = Parts::desk(&cloud).await.set("OSS_SIGNATURE", "v1").start().await;
    let content = content(2 * PART);
    let begun = Parts::begin(&desk, ERIC, "a.bin", &content).await;
    let upload = Parts::of(&desk, &begun, &content);
    let refused = async |why: &str| {
        let answered = upload.complete(ERIC).await;
        assert_eq!((answered.status, answered.code()), (409, "parts_differ"));
        let message = answered.body["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(why), "{message}");
    };
    refused("part 1 is missing").await;
    upload.send(ERIC, 1).await;
    refused("part 2 is missing").await;
    upload.send_as(ERIC, 2, &content[PART..2 * PART - 1]).await;
    refused("part 2 has 102399 bytes, not 102400").await;
    let mut other = content[PART..].to_vec();
    other[9] ^= 1;
    upload.send_as(ERIC, 2, &other).await;
    refused("the parts have the CRC-64").await;
    assert_eq!(cloud.twin.oss().len(SOURCE), 0);
    assert_eq!(desk.get(ERIC, &format!("/uploads/{}", begun.id())).await.body["state"], "uploading");
    upload.send(ERIC, 2).await;
    assert_eq!(upload.complete(ERIC).await.status, 202);
    desk.until_forwarded(ERIC, &begun.id()).await;
    assert_eq!(cloud.twin.oss().get(SOURCE, &key(&begun)).unwrap().body, content);
}

#[tokio::test]
async fn two_tabs_may_send_the_same_upload_and_both_complete_it() {
    let cloud = Cloud::start().await;
    let (desk, content, begun) = Parts::begun(&cloud, 3 * PART + 1).await;
    let (one, other) = (Parts::of(&desk, &begun, &content), Parts::of(&desk, &begun, &content));
    tokio::join!(send_all(&one, ERIC), send_all(&other, ERIC));
    let (first, second) = tokio::join!(one.complete(ERIC), other.complete(ERIC));
    for answered in [first, second] {
        assert!([200, 202].contains(&answered.status), "{answered:?}");
    }
    desk.until_forwarded(ERIC, &begun.id()).await;
    let late = one.complete(ERIC).await;
    assert_eq!((late.status, &late.body["state"]), (200, &json!("stored")), "{late:?}");
    assert_eq!(late.body["object"]["id"], begun.id());
    assert_eq!(cloud.sent(&key(&begun)), 1);
    assert_eq!(cloud.done(cloud_twin::Service::Oss, "CompleteMultipartUpload"), 1);
    let closed = one.sign(ERIC, 1).await;
    assert_eq!((closed.status, closed.code()), (409, "not_open"));
}

#[tokio::test]
async fn an_upload_that_its_user_gives_up_leaves_nothing() {
    let cloud = Cloud::start().await;
    let (desk, content, begun) = Parts::begun(&cloud, PART + 1).await;
    let upload = Parts::of(&desk, &begun, &content);
    upload.send(ERIC, 1).await;
    let path = format!("/uploads/{}", begun.id());
    assert_eq!(desk.delete(ERIC, &path).await.status, 204);
    assert_eq!(desk.get(ERIC, &path).await.status, 404);
    assert_eq!(upload.sign(ERIC, 2).await.status, 404);
    cloud.until(|twin| twin.oss().uploads(SOURCE).is_empty()).await;
    assert_eq!(cloud.sent(&key(&begun)), 0);
    let kept = desk.upload(ERIC, "b.txt", "text/plain", b"abc").await;
    let refused = desk.delete(ERIC, &format!("/uploads/{}", kept.id())).await;
    assert_eq!((refused.status, refused.code()), (409, "stored"));
    assert_eq!(desk.get(ERIC, &format!("/objects/{}", kept.id())).await.status, 200);
}

#[tokio::test]
async fn uploads_in_parts_have_the_limits_of_others_and_one_of_their_own() {
    let cloud = Cloud::start().await;
    let setup = Parts::desk(&cloud).await.set("DESK_TYPES", "image/*");
    let desk = setup.set("DESK_MAX_SIZE", "6000000000").start().await;
    let begin = async |size: u64, content_type: &str| {
        let order = json!({"name": "a.png", "type": content_type, "size": size});
        desk.post(ERIC, "/uploads/multipart", order).await
    };
    let code = |answered: Answered| (answered.status, answered.code().to_owned());
    assert_eq!(code(begin(6_000_000_001, "image/png").await), (413, "too_large".into()));
    assert_eq!(code(begin(1, "text/html").await), (415, "type_not_allowed".into()));
    let form = json!({"name": "a.png", "type": "image/png", "size": 5_368_709_121_u64});
    assert_eq!(code(desk.post(ERIC, "/uploads", form).await), (413, "too_large_for_a_form".into()));
    let large = begin(6_000_000_000, "image/png").await;
    assert_eq!(large.status, 201, "{large:?}");
    // 10,000 parts at most.
    assert_eq!(large.body["multipart"]["part_size"], 1 << 20);
    assert_eq!(large.body["multipart"]["parts"], 5723);
    let path = format!("/uploads/{}/parts", large.id());
    let part = |number: u32| json!({"number": number, "md5": md5(b"")});
    for parts in [
        json!([]),
        json!([part(0)]),
        json!([part(5724)]),
        json!([{"number": 1, "md5": "x"}]),
        json!(vec![part(1); 17]),
    ] {
        let refused = desk.post(ERIC, &path, json!({"parts": parts})).await;
        assert_eq!((refused.status, refused.code()), (400, "malformed"), "{refused:?}");
    }
    assert_eq!(desk.post(ERIC, &path, json!({"parts": vec![part(1); 16]})).await.status, 200);
    for _ in 1..50 {
        assert_eq!(begin(1, "image/png").await.status, 201);
    }
    assert_eq!(code(begin(1, "image/png").await), (429, "too_many_uploads".into()));
    assert_eq!(desk.get(ERIC, "/uploads/multipart").await.body["uploads"].as_array().unwrap().len(), 50);
    assert_eq!(desk.delete(ERIC, &format!("/uploads/{}", large.id())).await.status, 204);
    assert_eq!(begin(1, "image/png").await.status, 201);
}

#[tokio::test]
async fn what_the_user_has_already_is_not_sent_in_parts_either() {
    let cloud = Cloud::start().await;
    let desk = Parts::desk(&cloud).await.start().await;
    let first = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    let order = json!({"name": "b.txt", "type": "text/plain", "size": 3, "md5": md5(b"abc")});
    let again = desk.post(ERIC, "/uploads/multipart", order).await;
    assert_eq!((again.status, &again.body["duplicate"], again.id()), (200, &json!(true), first.id()));
    assert_eq!(cloud.twin.oss().uploads(SOURCE), []);
}

#[tokio::test]
async fn a_callback_says_nothing_about_an_upload_in_parts() {
    let cloud = Cloud::start().await;
    let desk = Parts::desk(&cloud).await.start().await;
    let begun = Parts::begin(&desk, ERIC, "a.bin", b"abc").await;
    let told = json!({
        "upload": begun.id(), "bucket": SOURCE, "object": key(&begun), "etag": "X", "size": 3,
        "type": "application/octet-stream", "md5": "", "request": "000000000000000000000001",
    });
    assert_eq!(desk.call_back(&cloud.twin, &told).await.status, 404);
    assert_eq!(desk.get(ERIC, &format!("/uploads/{}", begun.id())).await.body["state"], "uploading");
}
