//! Databases that hang, break and come back.

use std::time::Duration;

use futures_util::future::join_all;
use sqlx::Connection as _;
use tokio::net::TcpListener;

use super::*;

/// OSS waits this long for the answer to a callback.
const OSS: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_is_not_waited_for() {
    let world = World::new("hangs").await;
    let catalogue = world.open().await;
    let entry = pending("a.jpg");
    catalogue.add(&entry).await.unwrap();
    let frozen = world.freeze().await;
    let others: Vec<_> = (0..900).map(|_| pending("b.jpg")).collect();
    let puts = join_all([catalogue.put(&entry), catalogue.put(&entry)]);
    let adds = join_all(others.iter().map(|entry| catalogue.add(entry)));
    let (puts, adds) = tokio::time::timeout(OSS, async { tokio::join!(puts, adds) }).await.unwrap();
    for error in puts.into_iter().map(Result::unwrap_err).chain(adds.into_iter().map(Result::unwrap_err)) {
        assert_eq!(error.kind(), CatalogueErrorKind::Unavailable, "{error}");
    }
    frozen.thaw().await;
    assert_eq!(lasting(|| catalogue.find(&entry.id)).await.map(|found| found.id), Some(entry.id));
    catalogue.add(&pending("c.jpg")).await.unwrap();
    catalogue.close().await;
    let landed = world.open().await.due(Millis::MAX, 2000).await.unwrap().len();
    assert!(landed < 700, "{landed} rows: nobody waits any more for what was not begun");
    world.end().await;
}

/// What a server that hung was sent may still be done, so the first call afterwards may find the connections
/// in use.
async fn lasting<T, F>(call: impl Fn() -> F) -> T
where
    F: Future<Output = Result<T, CatalogueError>>,
{
    for _ in 0..10 {
        match call().await {
            Ok(value) => return value,
            Err(error) => assert_eq!(error.kind(), CatalogueErrorKind::Unavailable, "{error}"),
        }
    }
    panic!("it stays unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_from_a_database_that_hangs_ends_as_well() {
    let world = World::new("reads").await;
    let catalogue = world.open().await;
    let entry = pending("a.jpg");
    catalogue.add(&entry).await.unwrap();
    catalogue.ping().await.unwrap();
    // The connection is back by then, and not yet one that is tried first.
    tokio::time::sleep(connect::REST / 4).await;
    let frozen = world.freeze().await;
    let reads = join_all((0..20).map(|_| catalogue.find(&entry.id)));
    for read in tokio::time::timeout(OSS, reads).await.unwrap() {
        match read {
            // Readers of SQLite do not wait for whoever writes.
            Ok(found) => assert_eq!(found.as_ref(), Some(&entry)),
            Err(error) => assert_eq!(error.kind(), CatalogueErrorKind::Unavailable, "{error}"),
        }
    }
    frozen.thaw().await;
    assert_eq!(lasting(|| catalogue.find(&entry.id)).await, Some(entry));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_lead_nowhere_are_replaced() {
    let world = World::new("stranded").await;
    let catalogue = world.open().await;
    let entry = pending("a.jpg");
    catalogue.add(&entry).await.unwrap();
    // As many connections as there may be, back by then, and not yet such that are tried first.
    join_all((0..8).map(|_| catalogue.find(&entry.id))).await;
    tokio::time::sleep(connect::REST / 4).await;
    let stranded = world.strand().await;
    let reads = join_all((0..8).map(|_| catalogue.find(&entry.id)));
    let (put, _) = tokio::join!(catalogue.put(&entry), reads);
    assert_eq!(put.unwrap_err().kind(), CatalogueErrorKind::Unavailable);
    stranded.thaw().await;
    assert_eq!(catalogue.put(&entry).await.unwrap(), PutOutcome::Written);
    assert_eq!(lasting(|| catalogue.find(&entry.id)).await, Some(next(&entry)));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_database_between_calls_is_not_noticed() {
    let world = World::new("restart").await;
    let catalogue = world.open().await;
    let mut entry = pending("a.jpg");
    catalogue.add(&entry).await.unwrap();
    for _ in 0..2 {
        // As many connections as there may be, all of them broken afterwards.
        join_all((0..8).map(|_| catalogue.find(&entry.id))).await;
        world.restart().await;
        // What was idle for this long is tried before it is used.
        tokio::time::sleep(2 * connect::REST).await;
        assert_eq!(catalogue.put(&entry).await.unwrap(), PutOutcome::Written);
        entry = next(&entry);
        assert_eq!(catalogue.find(&entry.id).await.unwrap().as_ref(), Some(&entry));
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_far_away_does_what_it_can_in_time() {
    let world = World::new("far").await;
    let catalogue = world.open().await;
    world.move_away(Duration::from_millis(10));
    let entries: Vec<_> = (0..250).map(|_| pending("a.jpg")).collect();
    let added = join_all(entries.iter().map(|entry| catalogue.add(entry))).await;
    let done = added.iter().filter(|added| added.is_ok()).count();
    assert!(done > 0, "all of them in one transaction take longer than anybody waits");
    world.end().await;
}

#[tokio::test]
async fn a_transaction_whose_connection_is_broken_is_begun_on_another() {
    let world = World::new("begun").await;
    let catalogue = world.open().await;
    let entries: Vec<_> = (0..50).map(|_| pending("a.jpg")).collect();
    for entry in &entries {
        catalogue.add(entry).await.unwrap();
    }
    world.restart().await;
    for put in join_all(entries.iter().map(|entry| catalogue.put(entry))).await {
        assert_eq!(put.unwrap(), PutOutcome::Written);
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_another_program_holds_are_the_only_ones_that_fail() {
    let world = World::new("held").await;
    let catalogue = world.open().await;
    let entries: Vec<_> = (0..20).map(|number| at(NOW + number, "a.jpg")).collect();
    for entry in &entries {
        catalogue.add(entry).await.unwrap();
    }
    let (other, held) = world.hold([entries[7].id, entries[12].id], &entries).await;
    let puts = join_all(entries.iter().map(|entry| catalogue.put(entry))).await;
    for (entry, put) in entries.iter().zip(puts) {
        match put {
            Ok(put) => assert_eq!((put, held.contains(&entry.id)), (PutOutcome::Written, false)),
            Err(error) => {
                assert_eq!(error.kind(), CatalogueErrorKind::Unavailable, "{error}");
                assert!(held.contains(&entry.id), "{error}");
            }
        }
    }
    other.close().await.unwrap();
    for id in held {
        let entry = catalogue.find(&id).await.unwrap().unwrap();
        assert_eq!(entry.note, None, "what nobody committed");
        assert_eq!(lasting(|| catalogue.put(&entry)).await, PutOutcome::Written);
    }
    world.end().await;
}

#[tokio::test]
async fn what_is_no_database_is_refused() {
    let world = World::new("other").await;
    let error = Catalogue::open(&world.other()).await.unwrap_err();
    assert_eq!(error.kind(), CatalogueErrorKind::Misconfigured, "{error}");
    world.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = DatabaseUrl::parse(&format!("mysql://eric:secret@127.0.0.1:{port}/desk")).unwrap();
    let error = Catalogue::open(&url).await.unwrap_err();
    assert_eq!(error.kind(), CatalogueErrorKind::Unavailable);
    assert_eq!(
        error.to_string(),
        format!("mysql://eric@127.0.0.1:{port}/desk: cannot open it: the database does not respond")
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let url = DatabaseUrl::parse(&format!("mariadb://eric:secret@127.0.0.1:{port}/desk")).unwrap();
    let error = Catalogue::open(&url).await.unwrap_err();
    assert_eq!(error.kind(), CatalogueErrorKind::Unavailable);
    assert!(error.to_string().starts_with(&format!("mariadb://eric@127.0.0.1:{port}/desk: ")), "{error}");
}
