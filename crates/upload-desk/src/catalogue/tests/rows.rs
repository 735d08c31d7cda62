//! What is written is what is read.

use serde::Deserialize;

use super::*;

/// Keys of the tests of clients of vendors: whatever breaks one of them breaks a database as well.
fn awkward() -> Vec<String> {
    #[derive(Deserialize)]
    struct Key {
        key: String,
        #[serde(default)]
        times: Option<usize>,
    }
    let keys = include_str!("../../../../../tests/peers/keys.json");
    let keys: Vec<Key> = serde_json::from_str(keys).unwrap();
    let ours =
        ["trailing ", "tab\t", "no\u{0}thing", "quote'; DROP TABLE storage; --", "\\", "Ünïcödé", "ſ", ""];
    keys.into_iter()
        .map(|key| key.key.repeat(key.times.unwrap_or(1)))
        .chain(ours.map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn a_row_is_found_as_it_was_added() {
    let world = World::new("found").await;
    let catalogue = world.open().await;
    let full = Entry {
        md5: Some(md5()),
        md5_state: Md5State::Confirmed,
        size: i64::MAX.cast_unsigned(),
        content_type: Some("image/jpeg".into()),
        etag: Some("900150983CD24FB0D6963F7D28E17F72".into()),
        state: UploadState::Failed,
        forward: Forward::Done,
        note: Some("why".into()),
        source_url: Some("https://example.com/".repeat(200)),
        checks: u32::MAX,
        revision: u32::MAX - 1,
        ..pending("a.jpg")
    };
    let bare = Entry { expires_at: None, due_at: None, ext: String::new(), size: 0, ..pending("") };
    for entry in [&full, &bare] {
        catalogue.add(entry).await.unwrap();
        assert_eq!(catalogue.find(&entry.id).await.unwrap().as_ref(), Some(entry));
    }
    assert_eq!(catalogue.find(&pending("other").id).await.unwrap(), None);
    world.end().await;
}

#[tokio::test]
async fn awkward_text_is_kept_to_the_byte() {
    let world = World::new("awkward").await;
    let catalogue = world.open().await;
    for text in awkward() {
        let short: String = text.chars().take(200).collect();
        let entry = Entry {
            key: text.clone(),
            name: short.clone(),
            ext: short.clone(),
            creator: short.clone(),
            content_type: Some(text.clone()),
            etag: Some(short),
            note: Some(text.clone()),
            source_url: Some(text.clone()),
            ..pending("")
        };
        catalogue.add(&entry).await.unwrap();
        assert_eq!(catalogue.find(&entry.id).await.unwrap(), Some(entry.clone()), "{text:?}");
        assert_eq!(catalogue.put(&entry).await.unwrap(), PutOutcome::Written);
        assert_eq!(catalogue.find(&entry.id).await.unwrap(), Some(next(&entry)), "{text:?}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_put_writes_all_that_may_change_and_nothing_else() {
    let world = World::new("put").await;
    let catalogue = world.open().await;
    let old = pending("a.jpg");
    catalogue.add(&old).await.unwrap();
    let new = Entry {
        name: "b.png".into(),
        key: "uploads/b.png".into(),
        ext: "png".into(),
        md5: Some(md5()),
        md5_state: Md5State::Confirmed,
        bucket: "pictures".into(),
        size: 4,
        content_type: Some("image/png".into()),
        etag: Some("etag".into()),
        state: UploadState::Stored,
        forward: Forward::Done,
        note: Some("note".into()),
        source_url: Some("https://example.com".into()),
        updated_at: NOW + 5,
        expires_at: None,
        due_at: None,
        checks: 7,
        ..old.clone()
    };
    let altered = Entry { creator: "mallory".into(), created_at: 0, ..new.clone() };
    assert_eq!(catalogue.put(&altered).await.unwrap(), PutOutcome::Written);
    assert_eq!(catalogue.find(&old.id).await.unwrap(), Some(next(&new)));
    world.end().await;
}

#[tokio::test]
async fn a_row_that_changed_meanwhile_is_not_written() {
    let world = World::new("conflict").await;
    let catalogue = world.open().await;
    let entry = pending("a.jpg");
    assert_eq!(catalogue.put(&entry).await.unwrap(), PutOutcome::Conflict, "there is no such row");
    catalogue.add(&entry).await.unwrap();
    assert_eq!(catalogue.put(&entry).await.unwrap(), PutOutcome::Written);
    let late = Entry { note: Some("late".into()), ..entry.clone() };
    assert_eq!(catalogue.put(&late).await.unwrap(), PutOutcome::Conflict);
    assert_eq!(catalogue.find(&entry.id).await.unwrap(), Some(next(&entry)));
    assert_eq!(catalogue.put(&next(&late)).await.unwrap(), PutOutcome::Written);
    world.end().await;
}

#[tokio::test]
async fn an_id_that_is_taken_is_refused() {
    let world = World::new("taken").await;
    let catalogue = world.open().await;
    let entry = pending("a.jpg");
    catalogue.add(&entry).await.unwrap();
    let error = catalogue.add(&Entry { name: "b.jpg".into(), ..entry.clone() }).await.unwrap_err();
    assert_eq!(error.kind(), CatalogueErrorKind::Refused, "{error}");
    assert_eq!(catalogue.find(&entry.id).await.unwrap(), Some(entry));
    world.end().await;
}

#[tokio::test]
async fn a_size_beyond_the_column_is_refused() {
    let world = World::new("size").await;
    let catalogue = world.open().await;
    let entry = Entry { size: u64::MAX, ..pending("a.jpg") };
    assert_eq!(catalogue.add(&entry).await.unwrap_err().kind(), CatalogueErrorKind::Refused);
    assert_eq!(catalogue.find(&entry.id).await.unwrap(), None);
    world.end().await;
}

#[tokio::test]
async fn a_row_that_nobody_understands_is_named() {
    let world = World::new("corrupt").await;
    let catalogue = world.open().await;
    let entry = pending("a.jpg");
    catalogue.add(&entry).await.unwrap();
    for (column, value) in [
        ("state", "'lost'"),
        ("forward", "'Done'"),
        ("md5", "'x'"),
        ("md5_state", "''"),
        ("size", "-1"),
        ("checks", "-1"),
    ] {
        world.sql(&format!("UPDATE storage SET {column} = {value}")).await;
        let error = catalogue.find(&entry.id).await.unwrap_err();
        assert_eq!(error.kind(), CatalogueErrorKind::Corrupt, "{error}");
        let named = format!("cannot read {column} of row {}", entry.id);
        assert!(error.to_string().contains(&named), "{error}");
        world.sql("DELETE FROM storage").await;
        catalogue.add(&entry).await.unwrap();
    }
    world.end().await;
}
