//! Keys that have broken other tools, there and back, byte for byte.

use cloud_twin::Twin;
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Cloud, Copy};

use crate::support::{BACKUP, all_to_mirror, counts, ends_with};

const AWKWARD: [&str; 24] = [
    "plain.txt",
    " lead",
    "tail ",
    "a+b.txt",
    "100%25.txt",
    "a%2Fb",
    "%E6%B5%8B",
    "what?now#here&x=1;y,z@w:v",
    "~*'()!$[]{}|^`<>",
    "quote\"back\\slash",
    "测试/图片 a+b%20c.jpg",
    "crab-🦀",
    "caf\u{e9}",
    "cafe\u{301}",
    "a//b",
    "a/b",
    "x///y//",
    "d/",
    "a/../b",
    "./c",
    "end/..",
    "tab\tline\nreturn\r",
    "control\u{1}\u{7f}",
    "\u{feff}bom",
];

fn body(key: &str) -> String {
    // What some tools make of folders has no bytes.
    if key == "d/" { String::new() } else { format!("content of {key:?}") }
}

fn assert_all(twin: &Twin, bucket: &str) {
    let objects = if bucket == MIRROR { twin.obs() } else { twin.oss() };
    let mut expected = AWKWARD;
    expected.sort_unstable();
    assert_eq!(objects.keys(bucket), expected);
    for key in AWKWARD {
        assert_eq!(objects.get(bucket, key).unwrap().body, body(key), "{key:?}");
    }
}

#[tokio::test]
async fn every_key_and_every_byte_arrives_and_comes_back() {
    let cloud = Cloud::start().await;
    cloud.twin.create_oss_bucket(BACKUP);
    for key in AWKWARD {
        cloud.twin.oss().put(SOURCE, key, body(key));
    }
    let all = AWKWARD.len() as u64;
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, [all, 0, 0, 0]);
    assert_all(&cloud.twin, MIRROR);
    let back = || Copy::new(&cloud.twin, format!("obs://{MIRROR}"), format!("oss://{BACKUP}")).with(["-r"]);
    assert_eq!(counts(0, back()).await, [all, 0, 0, 0]);
    assert_all(&cloud.twin, BACKUP);
    // Both listings are read in the same order.
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, [0, all, 0, 0]);
    assert_eq!(counts(0, back()).await, [0, all, 0, 0]);
}

#[tokio::test]
async fn each_of_them_is_found_when_it_is_named() {
    let cloud = Cloud::start().await;
    for key in
        [" lead", "a%2Fb", "a//b", "what?now#here&x=1;y,z@w:v", "测试/图片 a+b%20c.jpg", "a/../b", "d/"]
    {
        cloud.twin.oss().put(SOURCE, key, body(key));
        let to = format!("obs://{MIRROR}/{key}");
        let copy = Copy::new(&cloud.twin, format!("oss://{SOURCE}/{key}"), &to).with(["--force"]);
        ends_with(0, copy).await;
        // A folder keeps its name in the folder that is named.
        let expected = if key == "d/" { "d/d/" } else { key };
        assert_eq!(cloud.twin.obs().get(MIRROR, expected).unwrap().body, body(key), "{key:?}");
    }
}

#[tokio::test]
async fn empty_objects_are_copied_in_every_way() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "empty", "");
    let one = Copy::new(&cloud.twin, format!("oss://{SOURCE}/empty"), format!("obs://{MIRROR}/one"));
    ends_with(0, one).await;
    assert!(cloud.twin.obs().get(MIRROR, "one").unwrap().body.is_empty());
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, [1, 0, 0, 0]);
    assert!(cloud.twin.obs().get(MIRROR, "empty").unwrap().body.is_empty());
}

#[tokio::test]
async fn the_folder_itself_is_left_out_where_it_would_have_no_name() {
    let cloud = Cloud::start().await;
    for key in ["d/", "d/a"] {
        cloud.twin.oss().put(SOURCE, key, "");
    }
    let copy = Copy::new(&cloud.twin, format!("oss://{SOURCE}/d/"), format!("obs://{MIRROR}")).with(["-r"]);
    assert_eq!(counts(0, copy).await, [1, 0, 1, 0]);
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["a"]);
    // What has bytes is not left out.
    cloud.twin.oss().put(SOURCE, "d/", "bytes");
    let copy = Copy::new(&cloud.twin, format!("oss://{SOURCE}/d/"), format!("obs://{MIRROR}")).with(["-r"]);
    assert_eq!(counts(3, copy).await, [0, 1, 0, 1]);
}
