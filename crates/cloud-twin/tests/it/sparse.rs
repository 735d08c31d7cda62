use cloud_twin::Content;
use cloud_twin::{ObjectHeaders, Twin};

use crate::sign::{call, get, put};
use crate::uploads::{complete, initiate};

const FIVE_GIB: u64 = 5 << 30;

#[tokio::test]
async fn an_object_of_gigabytes_is_served_without_being_held() {
    let twin = Twin::builder().start().await.unwrap();
    twin.oss().put_zeros("bucket", "zeros", FIVE_GIB);
    let object = twin.oss().get("bucket", "zeros").unwrap();
    assert_eq!((object.body.len(), object.body.stored_len()), (FIVE_GIB, 0));
    assert!(object.etag.ends_with("-80"), "as uploaded in parts of 64 MiB: {}", object.etag);
    let head = call("HEAD", "bucket", "zeros").oss(&twin).await.unwrap();
    assert_eq!(head.header("content-length"), Some("5368709120"));
    let end = get("bucket", "zeros").header("range", "bytes=5368709115-5368709119").oss(&twin).await.unwrap();
    assert_eq!((end.status, end.body), (206, vec![0; 5]));
    let whole = Content::join([&"head".into(), &Content::zeros(8 << 20), &"tail".into()]);
    twin.oss().put_with("bucket", "mixed", whole.clone(), ObjectHeaders::default());
    let read = get("bucket", "mixed").oss(&twin).await.unwrap();
    assert_eq!(read.header("content-length"), Some("8388616"));
    assert_eq!(whole, read.body);
}

#[tokio::test]
async fn zeros_that_are_uploaded_are_not_kept_as_bytes() {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_oss_bucket("bucket");
    let zeros = vec![0; 4 << 20];
    let upload = call("PUT", "bucket", "zeros").body(&zeros).oss(&twin).await.unwrap();
    twin.oss().put("bucket", "same", zeros.clone());
    let (uploaded, same) =
        (twin.oss().get("bucket", "zeros").unwrap(), twin.oss().get("bucket", "same").unwrap());
    assert_eq!((uploaded.body.len(), uploaded.body.stored_len()), (4 << 20, 0));
    assert_eq!((&uploaded.etag, uploaded.crc64), (&same.etag, same.crc64));
    assert_eq!(upload.header("x-oss-hash-crc64ecma"), Some(same.crc64.unwrap().to_string().as_str()));
    assert_eq!(uploaded.body, same.body);

    let mixed = [b"head".to_vec(), zeros, b"tail".to_vec()].concat();
    assert_eq!(call("PUT", "bucket", "mixed").body(&mixed).oss(&twin).await.unwrap().status, 200);
    let object = twin.oss().get("bucket", "mixed").unwrap();
    assert_eq!(object.body, mixed);
    twin.oss().put("bucket", "same", mixed);
    let same = twin.oss().get("bucket", "same").unwrap();
    assert_eq!((object.etag, object.crc64), (same.etag, same.crc64));
}

#[tokio::test]
async fn completing_an_upload_copies_nothing() {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_oss_bucket("bucket");
    twin.oss().put_zeros("bucket", "source", FIVE_GIB);
    let id = initiate("bucket", "big").oss(&twin).await.unwrap().element("UploadId").unwrap();
    let part = |number: &str| put("bucket", "big", "x").query("partNumber", number).query("uploadId", &id);
    let copied = part("1")
        .header("x-oss-copy-source", "/bucket/source")
        .header("x-oss-copy-source-range", "bytes=0-67108863")
        .oss(&twin)
        .await
        .unwrap();
    let sent = part("2").oss(&twin).await.unwrap();
    let parts = [("1", copied.element("ETag").unwrap()), ("2", sent.header("etag").unwrap().to_owned())];
    let done = complete("bucket", "big", &id, &parts).oss(&twin).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.text());
    let object = twin.oss().get("bucket", "big").unwrap();
    assert_eq!((object.body.len(), object.body.stored_len()), ((64 << 20) + 1, 1));
    let same = Content::join([&Content::zeros(64 << 20), &"x".into()]);
    twin.oss().put("bucket", "same", same);
    assert_eq!(object.crc64, twin.oss().get("bucket", "same").unwrap().crc64);
}
