//! Names of files, and the keys that come of them.

use e2e::cloud::{SOURCE, http_client};
use e2e::desk::ERIC;
use e2e::{Cloud, Desk};
use reqwest::{Method, Request};
use serde_json::json;

use crate::support::key;

async fn download(url: &str) -> reqwest::Response {
    http_client().execute(Request::new(Method::GET, url.parse().unwrap())).await.unwrap()
}

#[tokio::test]
async fn whatever_a_file_is_called_it_lies_in_its_users_directory_under_a_clean_name() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let longest = format!("{}.txt", "x".repeat(251));
    let longest_in_han = format!("{}.txt", "测".repeat(83));
    for (given, name) in [
        ("../../etc/passwd", "passwd"),
        ("/etc/../shadow", "shadow"),
        ("..\\..\\mia\\a.txt", "a.txt"),
        ("C:\\fakepath\\Foto 1.JPEG", "Foto 1.JPEG"),
        ("a\0b\r\nc\u{7f}\u{9b}.txt", "abc.txt"),
        ("gpj\u{202e}.exe", "gpj.exe"),
        ("\u{feff}a\u{200b}\u{2066}b\u{2028}.txt", "ab.txt"),
        ("😀👨‍👩‍👧 🏳️‍🌈.png", "😀👨👩👧 🏳️🌈.png"),
        ("%2e%2e%2fa.txt", "%2e%2e%2fa.txt"),
        ("a?b#c&d=e+f;g.txt", "a?b#c&d=e+f;g.txt"),
        ("\"quoted\" <b>'it'</b>", "b>"),
        (".gitignore", ".gitignore"),
        ("...a", "...a"),
        (&longest, &longest),
        (&longest_in_han, &longest_in_han),
    ] {
        let stored = desk.upload(ERIC, given, "text/plain", given.as_bytes()).await;
        assert_eq!(stored.status, 200, "{given:?}: {stored:?}");
        let object = &stored.body["object"];
        assert_eq!(object["name"], name, "{given:?}");
        assert_eq!(key(&stored), format!("uploads/eric/{}/{name}", stored.id()));
        assert_eq!(cloud.twin.oss().get(SOURCE, &key(&stored)).unwrap().body, *given.as_bytes());
        let link = object["links"]["download"].as_str().unwrap();
        let answer = download(link).await;
        assert_eq!((answer.status().as_u16(), &answer.text().await.unwrap()[..]), (200, given));
        desk.until_forwarded(ERIC, &stored.id()).await;
        assert_eq!(cloud.twin.accepted_count(&key(&stored)), 1, "{given:?}");
    }
}

#[tokio::test]
async fn what_leaves_no_name_is_refused() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let too_long = "x".repeat(256);
    let too_long_in_han = "测".repeat(86);
    for name in [
        "",
        ".",
        "..",
        "...",
        "a/",
        "a\\",
        "a/..",
        " ",
        "\0\n",
        "\u{200b}\u{202e}",
        &too_long,
        &too_long_in_han,
    ] {
        let refused = desk.post(ERIC, "/uploads", json!({"name": name, "size": 1})).await;
        assert_eq!((refused.status, refused.code()), (400, "malformed"), "{name:?}: {refused:?}");
    }
    // In a form OSS puts something else for this.
    let refused = desk.post(ERIC, "/uploads", json!({"name": "a ${filename}.txt", "size": 1})).await;
    assert_eq!((refused.status, refused.code()), (400, "malformed"), "{refused:?}");
    // What is cut off does not count.
    let long_path = format!("{}/a.txt", "x".repeat(4000));
    let allowed = desk.post(ERIC, "/uploads", json!({"name": long_path, "size": 1})).await;
    assert!(allowed.status == 201 && key(&allowed).ends_with("/a.txt"), "{allowed:?}");
}

#[tokio::test]
async fn two_files_of_one_name_do_not_meet() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let one = desk.upload(ERIC, "a.txt", "text/plain", b"one").await;
    let two = desk.upload(ERIC, "a.txt", "text/plain", b"two").await;
    assert_eq!((one.status, two.status), (200, 200));
    assert_eq!(cloud.twin.oss().get(SOURCE, &key(&one)).unwrap().body, *b"one");
    assert_eq!(cloud.twin.oss().get(SOURCE, &key(&two)).unwrap().body, *b"two");
}
