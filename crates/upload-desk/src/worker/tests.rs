//! On a file of SQLite, or in a database on the server that `DESK_TEST_MYSQL` names.

use std::sync::Arc;

use axum::http::HeaderValue;
use http_client::Proxies;
use object_copy::clock;
use oss_lite::callback::CallbackKeys;
use oss_lite::{BucketName, Client, ClientConfig, Credentials, Dialect};

use super::*;
use crate::catalogue::tests::world::World;
use crate::desk::{Callbacks, DeskParts, Rules};
use crate::name::Name;
use crate::types::AllowedTypes;
use crate::users::Users;

/// A desk whose bucket is where nobody listens.
async fn desk(world: &World) -> Desk {
    let http = http_client::build(Proxies::None).unwrap();
    let endpoint = "http://127.0.0.1:1".parse().unwrap();
    let config = ClientConfig::new(endpoint, Dialect::Oss).with_region("cn-hangzhou");
    let client = Client::new(http.clone(), config).unwrap();
    let bucket = BucketName::parse("uploads", Dialect::Oss).unwrap();
    Desk::new(DeskParts {
        users: Users::parse("zoe:0123456789abcdef").unwrap(),
        rules: Rules {
            prefix: "uploads/".to_owned(),
            max_size: 1 << 30,
            part_size: 16 << 20,
            types: AllowedTypes::ALL,
            upload_expiry: Duration::from_mins(15),
            link_expiry: Duration::from_mins(5),
        },
        catalogue: world.open().await,
        store: Store::new(client, &bucket, Arc::new(Credentials::new("id", "secret"))).unwrap(),
        callbacks: Callbacks { url: None, keys: CallbackKeys::new(http) },
        fetcher: None,
        forwarding: None,
        clock: clock::system,
        random: rustls::crypto::ring::default_provider().secure_random,
    })
}

/// The row of an upload in parts whose end has come.
async fn expired(desk: &Desk) -> Entry {
    let token = HeaderValue::from_static("Bearer 0123456789abcdef");
    let user = desk.0.users.who(Some(&token)).unwrap();
    let row = desk.pending(user, &Name::of("film.mp4").unwrap(), 40 << 20, UNKNOWN.to_owned()).unwrap();
    let mut row = row.in_parts(16 << 20);
    assert!(row.begin("upload", 0, None));
    let row = Entry { expires_at: Some(1), due_at: Some(1), ..row };
    desk.0.catalogue.add(&row).await.unwrap();
    desk.0.catalogue.find(&row.id).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_its_user_went_on_with_after_its_row_was_read_is_not_given_up() {
    let world = World::new("put_off").await;
    let desk = desk(&world).await;
    let read = expired(&desk).await;
    let later = desk.now() + 3_600_000;
    let put_off = desk.update(&read.id, |row| row.keep_open(later, None)).await.unwrap().unwrap();
    let outcome = desk.see_to_parts(&read).await;
    assert!(matches!(outcome, Outcome::NotStarted), "{outcome:?}");
    assert_eq!(desk.0.catalogue.find(&read.id).await.unwrap(), Some(put_off));
    desk.close().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_given_up_before_anything_is_sent() {
    let world = World::new("given_up").await;
    let desk = desk(&world).await;
    let read = expired(&desk).await;
    let outcome = desk.see_to_parts(&read).await;
    assert!(
        matches!(outcome, Outcome::GivenUp(_)),
        "nobody listens, so it would be tried again: {outcome:?}"
    );
    let row = desk.0.catalogue.find(&read.id).await.unwrap().unwrap();
    assert_eq!(
        (row.state, row.note.as_deref()),
        (UploadState::Missing, Some("given up: nobody went on with it"))
    );
    assert!(row.due_at <= Some(desk.now()), "its parts are removed at once: {row:?}");
    let mut late = row.clone();
    late.keep_open(desk.now() + 3_600_000, None);
    assert_eq!(late, row, "nothing is put off any more");
    desk.close().await;
    world.end().await;
}
