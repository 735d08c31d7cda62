//! Lists of objects.

use e2e::desk::{ERIC, MIA};
use e2e::{Cloud, Desk};
use serde_json::{Value, json};

use crate::support::key;

fn names(page: &Value) -> Vec<&str> {
    let objects = page["objects"].as_array().unwrap_or_else(|| panic!("no list: {page}"));
    objects.iter().map(|object| object["name"].as_str().unwrap()).collect()
}

async fn uploaded(desk: &Desk, names: &[&str]) {
    for name in names {
        let stored = desk.upload(ERIC, name, "text/plain", name.as_bytes()).await;
        assert_eq!(stored.status, 200, "{stored:?}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_newest_first_and_miss_nothing() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    uploaded(&desk, &["1", "2", "3", "4", "5"]).await;
    desk.upload(MIA, "mia's", "text/plain", b"mia").await;
    // Not stored, not listed.
    desk.allow(ERIC, "pending", "text/plain", b"pending").await;
    let first = desk.get(ERIC, "/objects?limit=2").await.body;
    assert_eq!(names(&first), ["5", "4"]);
    let next = |page: &Value| page["next"].as_str().unwrap().to_owned();
    let second = desk.get(ERIC, &format!("/objects?limit=2&after={}", next(&first))).await.body;
    assert_eq!(names(&second), ["3", "2"]);
    // One that comes meanwhile moves no page.
    uploaded(&desk, &["6"]).await;
    let third = desk.get(ERIC, &format!("/objects?limit=2&after={}", next(&second))).await.body;
    assert_eq!((names(&third), &third["next"]), (vec!["1"], &json!(null)));
    let exact = desk.get(ERIC, "/objects?limit=6").await.body;
    assert_eq!((names(&exact).len(), &exact["next"]), (6, &json!(null)));
    assert_eq!(names(&desk.get(ERIC, "/objects").await.body), ["6", "5", "4", "3", "2", "1"]);
    assert_eq!(names(&desk.get(MIA, &format!("/objects?after={}", next(&first))).await.body), [""; 0]);
    for query in [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=x",
        "after=x",
        "after=",
        "after=%27",
        "order=asc",
        "limit=1&limit=2",
    ] {
        let refused = desk.get(ERIC, &format!("/objects?{query}")).await;
        assert_eq!((refused.status, refused.code()), (400, "malformed"), "{query}: {refused:?}");
    }
}

#[tokio::test]
async fn names_are_searched_for_what_is_in_them_and_nothing_is_a_wildcard() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    uploaded(
        &desk,
        &["Holiday.JPG", "100%.txt", "100x.txt", "a_b.txt", "axb.txt", "测试ÄÖ.txt", "it's \"q\".txt"],
    )
    .await;
    desk.upload(MIA, "holiday of mia.jpg", "text/plain", b"mia").await;
    for (query, expected) in [
        ("holiday", vec!["Holiday.JPG"]),
        ("JPG", vec!["Holiday.JPG"]),
        ("100%25", vec!["100%.txt"]),
        ("%25", vec!["100%.txt"]),
        ("_", vec!["a_b.txt"]),
        ("a_b", vec!["a_b.txt"]),
        ("%E6%B5%8B", vec!["测试ÄÖ.txt"]),
        ("%C3%A4%C3%B6", vec!["测试ÄÖ.txt"]),
        ("%27", vec!["it's \"q\".txt"]),
        ("%22q%22", vec!["it's \"q\".txt"]),
        ("*", vec![]),
        ("%5C", vec![]),
        ("nothing", vec![]),
        ("%27%20OR%201=1%20--", vec![]),
    ] {
        let found = desk.get(ERIC, &format!("/objects?name={query}")).await.body;
        assert_eq!(names(&found), expected, "{query}");
    }
    assert_eq!(names(&desk.get(ERIC, "/objects?name=").await.body).len(), 7);
    let paged = desk.get(ERIC, "/objects?name=100&limit=1").await.body;
    assert_eq!(names(&paged), ["100x.txt"]);
    let rest = format!("/objects?name=100&limit=1&after={}", paged["next"].as_str().unwrap());
    let rest = desk.get(ERIC, &rest).await.body;
    assert_eq!((names(&rest), &rest["next"]), (vec!["100%.txt"], &json!(null)));
}

#[tokio::test]
async fn an_object_is_shown_with_all_that_is_known_of_it() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    let object = desk.until_forwarded(ERIC, &stored.id()).await;
    for (name, value) in [
        ("id", json!(stored.id())),
        ("name", json!("a.txt")),
        ("key", json!(key(&stored))),
        ("bucket", json!(e2e::cloud::SOURCE)),
        ("size", json!(3)),
        ("type", json!("text/plain")),
        ("md5", json!("900150983cd24fb0d6963f7d28e17f72")),
        ("etag", json!("900150983CD24FB0D6963F7D28E17F72")),
        ("forwarded", json!(true)),
    ] {
        assert_eq!(object[name], value, "{name}: {object}");
    }
    for time in ["created_at", "links_expire_at"] {
        let text = object[time].as_str().unwrap();
        assert!(chrono::DateTime::parse_from_rfc3339(text).is_ok() && text.ends_with('Z'), "{text}");
    }
    let listed = desk.get(ERIC, "/objects").await.body;
    let without_links = |object: &Value| {
        let mut object = object.clone();
        object.as_object_mut().unwrap().retain(|name, _| !name.starts_with("links"));
        object
    };
    assert_eq!(without_links(&listed["objects"][0]), without_links(&object));
}
