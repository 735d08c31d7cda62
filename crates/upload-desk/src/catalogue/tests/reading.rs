//! What is found among many rows.

use super::*;

async fn add(catalogue: &Catalogue, entry: Entry) -> Entry {
    catalogue.add(&entry).await.unwrap();
    entry
}

fn all() -> ListFilter {
    ListFilter { before: None, name: None, limit: 100 }
}

fn names(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.name.as_str()).collect()
}

/// Users whom a careless comparison takes for each other.
const USERS: [&str; 5] = ["eric", "Eric", "eric ", "éric", "eri"];

#[tokio::test]
async fn the_newest_stored_object_with_that_md5_is_the_same_one() {
    let world = World::new("same").await;
    let catalogue = world.open().await;
    let confirmed = |entry| Entry { md5: Some(md5()), md5_state: Md5State::Confirmed, ..entry };
    add(&catalogue, confirmed(stored(NOW, "old"))).await;
    let newest = add(&catalogue, confirmed(stored(NOW + 1, "newest"))).await;
    add(&catalogue, Entry { md5_state: Md5State::Declared, ..confirmed(stored(NOW + 2, "declared")) }).await;
    add(&catalogue, Entry { state: UploadState::Deleted, ..confirmed(stored(NOW + 3, "deleted")) }).await;
    add(&catalogue, Entry { size: 4, ..confirmed(stored(NOW + 4, "longer")) }).await;
    for user in &USERS[1..] {
        assert_eq!(catalogue.same(user, md5(), 3).await.unwrap(), None, "{user:?}");
        add(&catalogue, Entry { creator: (*user).into(), ..confirmed(stored(NOW + 5, user)) }).await;
    }
    assert_eq!(catalogue.same("eric", md5(), 3).await.unwrap(), Some(newest));
    let other = Md5::from_hex("ffffffffffffffffffffffffffffffff").unwrap();
    assert_eq!(catalogue.same("eric", other, 3).await.unwrap(), None);
    world.end().await;
}

#[tokio::test]
async fn a_list_has_stored_objects_of_one_user_newest_first() {
    let world = World::new("list").await;
    let catalogue = world.open().await;
    let mut ids = Vec::new();
    for (age, name) in ["c", "b", "a"].into_iter().enumerate() {
        ids.push(add(&catalogue, stored(NOW + i64::try_from(age).unwrap(), name)).await.id);
    }
    for (at, state) in [
        UploadState::Pending,
        UploadState::Fetching,
        UploadState::Missing,
        UploadState::Failed,
        UploadState::Deleting,
        UploadState::Deleted,
    ]
    .into_iter()
    .enumerate()
    {
        add(&catalogue, Entry { state, ..stored(NOW + 10 + i64::try_from(at).unwrap(), "hidden") }).await;
    }
    for user in &USERS[1..] {
        add(&catalogue, Entry { creator: (*user).into(), ..stored(NOW + 20, "theirs") }).await;
    }
    assert_eq!(names(&catalogue.list("eric", &all()).await.unwrap()), ["a", "b", "c"]);
    let first = catalogue.list("eric", &ListFilter { limit: 2, ..all() }).await.unwrap();
    assert_eq!(names(&first), ["a", "b"]);
    let rest =
        catalogue.list("eric", &ListFilter { before: Some(first[1].id), limit: 2, ..all() }).await.unwrap();
    assert_eq!(names(&rest), ["c"]);
    let end = catalogue.list("eric", &ListFilter { before: Some(ids[0]), ..all() }).await.unwrap();
    assert_eq!(names(&end), [""; 0]);
    for user in &USERS[1..4] {
        assert_eq!(names(&catalogue.list(user, &all()).await.unwrap()), ["theirs"], "{user:?}");
    }
    world.end().await;
}

#[tokio::test]
async fn names_are_searched_for_what_was_typed_in_capitals_or_not() {
    let world = World::new("search").await;
    let catalogue = world.open().await;
    for (age, name) in
        ["100%.txt", "1000.txt", "a_b.txt", "axb.txt", "Übung 测试.TXT", "ubung 🦀", "back\\slash", "gap "]
            .into_iter()
            .enumerate()
    {
        add(&catalogue, stored(NOW + i64::try_from(age).unwrap(), name)).await;
    }
    for (typed, expected) in [
        ("100%", vec!["100%.txt"]),
        ("A_B", vec!["a_b.txt"]),
        ("übung", vec!["Übung 测试.TXT"]),
        ("UBUNG", vec!["ubung 🦀"]),
        ("试.tx", vec!["Übung 测试.TXT"]),
        ("🦀", vec!["ubung 🦀"]),
        ("\\", vec!["back\\slash"]),
        ("gap ", vec!["gap "]),
        ("gap  ", vec![]),
        ("'", vec![]),
    ] {
        let listing = ListFilter { name: Some(typed.into()), ..all() };
        assert_eq!(names(&catalogue.list("eric", &listing).await.unwrap()), expected, "{typed:?}");
    }
    let everything = ListFilter { name: Some(String::new()), ..all() };
    assert_eq!(catalogue.list("eric", &everything).await.unwrap().len(), 8);
    world.end().await;
}

#[tokio::test]
async fn a_new_name_is_found_and_the_old_one_is_not() {
    let world = World::new("renamed").await;
    let catalogue = world.open().await;
    let entry = add(&catalogue, stored(NOW, "old.jpg")).await;
    assert_eq!(catalogue.put(&Entry { name: "New.jpg".into(), ..entry }).await.unwrap(), PutOutcome::Written);
    for (typed, found) in [("new", 1), ("old", 0)] {
        let listing = ListFilter { name: Some(typed.into()), ..all() };
        assert_eq!(catalogue.list("eric", &listing).await.unwrap().len(), found, "{typed}");
    }
    world.end().await;
}

#[tokio::test]
async fn work_is_due_in_the_order_of_its_time() {
    let world = World::new("due").await;
    let catalogue = world.open().await;
    assert_eq!(catalogue.next_due().await.unwrap(), None);
    for (name, due) in [("second", Some(20)), ("never", None), ("first", Some(10)), ("third", Some(30))] {
        add(&catalogue, Entry { due_at: due, ..pending(name) }).await;
    }
    assert_eq!(catalogue.next_due().await.unwrap(), Some(10));
    for (now, limit, expected) in [
        (9, 10, vec![]),
        (10, 10, vec!["first"]),
        (29, 10, vec!["first", "second"]),
        (99, 10, vec!["first", "second", "third"]),
        (99, 1, vec!["first"]),
    ] {
        assert_eq!(names(&catalogue.due(now, limit).await.unwrap()), expected, "{now}");
    }
    let first = catalogue.due(10, 1).await.unwrap().remove(0);
    assert_eq!(catalogue.put(&Entry { due_at: None, ..first }).await.unwrap(), PutOutcome::Written);
    assert_eq!(catalogue.next_due().await.unwrap(), Some(20));
    world.end().await;
}

#[tokio::test]
async fn the_fetches_of_a_user_are_counted() {
    let world = World::new("fetching").await;
    let catalogue = world.open().await;
    for (name, creator, state) in [
        ("a", "eric", UploadState::Fetching),
        ("b", "eric", UploadState::Fetching),
        ("c", "eric", UploadState::Failed),
        ("d", "mia", UploadState::Fetching),
    ] {
        add(&catalogue, Entry { state, creator: creator.into(), ..pending(name) }).await;
    }
    for (creator, count) in [("eric", 2), ("mia", 1), ("nobody", 0)] {
        assert_eq!(catalogue.count_of(creator, UploadState::Fetching).await.unwrap(), count, "{creator}");
    }
    world.end().await;
}
