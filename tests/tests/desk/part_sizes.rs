//! How much a user can store with signed parts: what was announced.

use e2e::cloud::SOURCE;
use e2e::desk::ERIC;
use e2e::{Cloud, stalled};

use crate::parts::{PART, Parts, content, send_all};

#[tokio::test]
async fn a_signed_part_takes_a_body_of_its_size_only() {
    let cloud = Cloud::start().await;
    let (desk, content, begun) = Parts::begun(&cloud, 2 * PART + 7).await;
    let upload = Parts::of(&desk, &begun, &content);
    for (number, size) in [(1, PART), (2, PART), (3, 7)] {
        for wrong in [size - 1, size + 1, 20 * PART] {
            let body = vec![b'x'; wrong];
            // Its MD5 is that of the body, so that nothing but the size is wrong.
            let signed = upload.sign_other(ERIC, number, &body).await;
            assert_eq!(signed.size(), size as u64);
            let refused = signed.try_put(&body).await;
            assert_eq!(refused.status(), 403, "part {number} with {wrong} bytes");
            assert!(refused.text().await.unwrap().contains("<Code>SignatureDoesNotMatch</Code>"));
        }
        // A body that does not say how long it is.
        let signed = upload.sign_other(ERIC, number, b"x").await;
        let (host, target) = signed.url().trim_start_matches("http://").split_once('/').unwrap();
        let md5 = signed.md5();
        let chunked = format!(
            "PUT /{target} HTTP/1.1\r\nHost: {host}\r\nContent-MD5: {md5}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
        );
        let status = stalled::ask(host.parse().unwrap(), &chunked).await;
        assert!(status.starts_with("HTTP/1.1 403 "), "{status}");
    }
    let listed = desk.get(ERIC, &format!("/uploads/{}/parts", begun.id())).await;
    assert_eq!(listed.body["parts"], serde_json::json!([]));
    send_all(&upload, ERIC).await;
    assert_eq!(upload.complete(ERIC).await.status, 202);
    desk.until_forwarded(ERIC, &begun.id()).await;
}

#[tokio::test]
async fn the_one_part_of_an_empty_file_takes_nothing() {
    let cloud = Cloud::start().await;
    let (desk, _, begun) = Parts::begun(&cloud, 0).await;
    let upload = Parts::of(&desk, &begun, b"");
    assert_eq!(upload.sign_other(ERIC, 1, b"x").await.try_put(b"x").await.status(), 403);
    upload.sign_other(ERIC, 1, b"").await.put(b"").await;
    assert_eq!(upload.complete(ERIC).await.status, 202);
    desk.until_forwarded(ERIC, &begun.id()).await;
}

#[tokio::test]
async fn where_sizes_are_not_signed_an_upload_with_too_large_a_part_is_given_up() {
    let cloud = Cloud::start().await;
    let desk = Parts::desk(&cloud).await.set("OSS_SIGNATURE", "v1").start().await;
    let content = content(PART + 1);
    let begun = Parts::begin(&desk, ERIC, "a.bin", &content).await;
    let honest = Parts::begin(&desk, ERIC, "b.bin", &content).await;
    Parts::of(&desk, &begun, &content).send_as(ERIC, 2, &vec![b'x'; 2 * PART]).await;
    Parts::of(&desk, &honest, &content).send(ERIC, 1).await;
    assert_eq!(Parts::of(&desk, &begun, &content).complete(ERIC).await.status, 409);
    let due = "SELECT CAST(MAX(due_at - created_at) AS CHAR) FROM storage";
    let due: i64 = desk.setup().database().ask(due).await.parse().unwrap();
    assert!((1..=16 * 60_000).contains(&due), "they are looked at within a quarter of an hour: {due}");
    let setup = desk.kill().await;
    for upload in [&begun, &honest] {
        setup.database().make_due(&upload.id()).await;
    }
    let desk = setup.start().await;
    let missing = desk.until_state(ERIC, &begun.id(), "missing").await;
    assert_eq!(missing["note"], "given up: part 2 has 204800 bytes, not 1");
    cloud.until(|twin| twin.oss().uploads(SOURCE).len() == 1).await;
    let upload = Parts::after_restart(&desk, &honest.id(), &content);
    upload.send(ERIC, 2).await;
    assert_eq!(upload.complete(ERIC).await.status, 202);
    desk.until_forwarded(ERIC, &honest.id()).await;
}
