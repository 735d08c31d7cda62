use cloud_twin::Twin;

use crate::http::{Answer, elements};
use crate::sign::{call, get, md5_base64};

async fn twin_with(keys: &[&str]) -> Twin {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_oss_bucket("bucket");
    for key in keys {
        twin.oss().put("bucket", key, key.as_bytes().to_vec());
    }
    twin
}

#[tokio::test]
async fn buckets_are_made_described_listed_and_removed() {
    let twin = Twin::builder().start().await.unwrap();
    assert_eq!(call("PUT", "new-bucket", "").body("").oss(&twin).await.unwrap().status, 200);
    let bad = call("PUT", "Bad_Bucket", "").body("").oss(&twin).await.unwrap();
    assert_eq!((bad.status, bad.element("Code").as_deref()), (400, Some("InvalidBucketName")));
    let info = get("new-bucket", "").query("bucketInfo", "").oss(&twin).await.unwrap();
    assert_eq!(info.element("Name").as_deref(), Some("new-bucket"));
    assert_eq!(info.element("Location").as_deref(), Some("oss-cn-hangzhou"));
    let location = get("new-bucket", "").query("location", "").oss(&twin).await.unwrap();
    assert_eq!(location.element("LocationConstraint").as_deref(), Some("oss-cn-hangzhou"));
    assert_eq!(call("HEAD", "new-bucket", "").oss(&twin).await.unwrap().status, 200);
    assert_eq!(get("", "").oss(&twin).await.unwrap().element("Name").as_deref(), Some("new-bucket"));
    twin.oss().put("new-bucket", "k", "");
    let full = call("DELETE", "new-bucket", "").oss(&twin).await.unwrap();
    assert_eq!((full.status, full.element("Code").as_deref()), (409, Some("BucketNotEmpty")));
    twin.oss().delete("new-bucket", "k");
    assert_eq!(call("DELETE", "new-bucket", "").oss(&twin).await.unwrap().status, 204);
    assert_eq!(call("HEAD", "new-bucket", "").oss(&twin).await.unwrap().status, 404);
    let unknown = get("new-bucket", "").query("qosInfo", "").oss(&twin).await.unwrap();
    assert_eq!((unknown.status, unknown.element("Code").as_deref()), (501, Some("NotImplemented")));
}

#[tokio::test]
async fn a_bucket_keeps_its_lifecycle_rules_and_no_versions() {
    let twin = twin_with(&[]).await;
    let lifecycle = |method| call(method, "bucket", "").query("lifecycle", "");
    let none = lifecycle("GET").oss(&twin).await.unwrap();
    assert_eq!((none.status, none.element("Code").as_deref()), (404, Some("NoSuchLifecycle")));
    let rules = "<LifecycleConfiguration><Rule><ID>r</ID><Prefix/><Status>Enabled</Status><Expiration><Days>1</Days>\
        </Expiration></Rule></LifecycleConfiguration>";
    assert_eq!(lifecycle("PUT").body(rules).oss(&twin).await.unwrap().status, 200);
    assert_eq!(lifecycle("GET").oss(&twin).await.unwrap().text(), rules);
    let broken = lifecycle("PUT").body("<LifecycleConfiguration>").oss(&twin).await.unwrap();
    assert_eq!((broken.status, broken.element("Code").as_deref()), (400, Some("MalformedXML")));
    assert_eq!(lifecycle("DELETE").oss(&twin).await.unwrap().status, 204);
    assert_eq!(lifecycle("GET").oss(&twin).await.unwrap().status, 404);
    let versioning = get("bucket", "").query("versioning", "").oss(&twin).await.unwrap();
    assert_eq!((versioning.status, versioning.element("Status")), (200, None));
    assert!(versioning.text().contains("VersioningConfiguration"));
}

fn keys(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    elements(&answer.text(), "Key")
}

#[tokio::test]
async fn listing_pages_through_every_key_in_byte_order() {
    let all = ["B", "a", "b/1", "b/2", "c", "目"];
    let twin = twin_with(&all).await;
    let mut seen = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut ask = get("bucket", "").query("list-type", "2").query("max-keys", "2");
        if let Some(token) = &token {
            ask = ask.query("continuation-token", token);
        }
        let page = ask.oss(&twin).await.unwrap();
        seen.extend(keys(&page));
        token = page.element("NextContinuationToken");
        assert_eq!(token.is_some(), page.element("IsTruncated").as_deref() == Some("true"));
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
    let after =
        get("bucket", "").query("list-type", "2").query("start-after", "b/1").oss(&twin).await.unwrap();
    assert_eq!(keys(&after), ["b/2", "c", "目"]);
    let prefixed = get("bucket", "").query("prefix", "b/").oss(&twin).await.unwrap();
    assert_eq!(keys(&prefixed), ["b/1", "b/2"]);
}

#[tokio::test]
async fn a_delimiter_rolls_keys_up_once_and_across_pages() {
    let twin = twin_with(&["a", "b/1", "b/2", "b/3", "c/1", "d"]).await;
    for (list_type, cursor, next) in
        [("", "marker", "NextMarker"), ("2", "continuation-token", "NextContinuationToken")]
    {
        let mut seen = Vec::new();
        let mut from = String::new();
        loop {
            let mut ask = get("bucket", "").query("delimiter", "/").query("max-keys", "1");
            if !list_type.is_empty() {
                ask = ask.query("list-type", list_type);
            }
            if !from.is_empty() {
                ask = ask.query(cursor, &from);
            }
            let page = ask.oss(&twin).await.unwrap();
            seen.extend(keys(&page));
            let groups = page.text().split_once("<CommonPrefixes>").map(|(_, rest)| elements(rest, "Prefix"));
            seen.extend(groups.unwrap_or_default());
            let Some(cursor) = page.element(next) else { break };
            from = cursor;
        }
        assert_eq!(seen, ["a", "b/", "c/", "d"], "list-type {list_type:?}");
    }
}

#[tokio::test]
async fn listing_encodes_on_request_and_checks_its_parameters() {
    let twin = twin_with(&["a b/+\u{1}"]).await;
    let encoded =
        get("bucket", "").query("encoding-type", "url").query("prefix", "a b").oss(&twin).await.unwrap();
    assert_eq!(keys(&encoded), ["a%20b%2F%2B%01"]);
    assert_eq!(encoded.element("Prefix").as_deref(), Some("a%20b"));
    for (name, value) in
        [("max-keys", "1001"), ("max-keys", "0"), ("max-keys", "x"), ("encoding-type", "hex")]
    {
        let answer = get("bucket", "").query(name, value).oss(&twin).await.unwrap();
        assert_eq!(
            (answer.status, answer.element("Code").as_deref()),
            (400, Some("InvalidArgument")),
            "{name}={value}"
        );
    }
}

#[tokio::test]
async fn a_page_holds_a_hundred_keys_unless_told_otherwise() {
    let names: Vec<_> = (0..101).map(|number| format!("{number:03}")).collect();
    let twin = twin_with(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(keys(&get("bucket", "").oss(&twin).await.unwrap()).len(), 100);
    let larger = get("bucket", "").query("max-keys", "1000").oss(&twin).await.unwrap();
    assert_eq!(keys(&larger).len(), 101);
}

fn delete(body: &str) -> crate::sign::Call {
    let md5 = md5_base64(body.as_bytes());
    call("POST", "bucket", "").query("delete", "").header("content-md5", &md5).body(body)
}

#[tokio::test]
async fn many_objects_go_in_one_request() {
    let twin = twin_with(&["a & b", " c ", "d"]).await;
    let body = "<Delete><Object><Key>a &amp; b</Key></Object><Object><Key> c </Key></Object></Delete>";
    let verbose = delete(body).query("encoding-type", "url").oss(&twin).await.unwrap();
    assert_eq!(keys(&verbose), ["a%20%26%20b", "%20c%20"]);
    assert_eq!(twin.oss().keys("bucket"), ["d"]);
    let quiet =
        delete("<Delete><Quiet>true</Quiet><Object><Key>d</Key></Object></Delete>").oss(&twin).await.unwrap();
    assert_eq!((quiet.status, quiet.body.len()), (200, 0));
    assert_eq!(twin.oss().len("bucket"), 0);
}

#[tokio::test]
async fn a_multi_delete_needs_its_md5_and_has_its_limits() {
    let twin = twin_with(&[]).await;
    let body = "<Delete><Object><Key>a</Key></Object></Delete>";
    let bare = call("POST", "bucket", "").query("delete", "").body(body).oss(&twin).await.unwrap();
    assert_eq!((bare.status, bare.element("EC").as_deref()), (400, Some("0016-00000606")));
    let objects = |count| format!("<Delete>{}</Delete>", "<Object><Key>k</Key></Object>".repeat(count));
    assert_eq!(delete(&objects(1000)).oss(&twin).await.unwrap().status, 200);
    let long = format!("<Delete><Object><Key>{}</Key></Object></Delete>", "k".repeat(2 << 20));
    for body in [objects(1001), objects(0), "<Delete>".to_owned(), long] {
        let answer = delete(&body).oss(&twin).await.unwrap();
        assert_eq!((answer.status, answer.element("Code").as_deref()), (400, Some("MalformedXML")));
    }
}
