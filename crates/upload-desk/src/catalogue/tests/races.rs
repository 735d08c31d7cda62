//! Many writers at once, in one desk and in several.

use futures_util::future::join_all;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_rows_written_at_once_all_land() {
    let world = World::new("thousand").await;
    let catalogue = world.open().await;
    let entries: Vec<_> = (0..1000).map(|number| at(NOW + number, &number.to_string())).collect();
    for added in join_all(entries.iter().map(|entry| catalogue.add(entry))).await {
        added.unwrap();
    }
    for put in join_all(entries.iter().map(|entry| catalogue.put(entry))).await {
        assert_eq!(put.unwrap(), PutOutcome::Written);
    }
    catalogue.close().await;
    let again = world.open().await;
    let found = again.due(Millis::MAX, 2000).await.unwrap();
    assert_eq!(found, entries.iter().map(next).collect::<Vec<_>>());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_desks_that_change_the_same_row_one_does() {
    let world = World::new("desks").await;
    let desks = [world.open().await, world.open().await, world.open().await];
    let entries: Vec<_> = (0..60).map(|number| at(NOW + number, "a.jpg")).collect();
    for added in join_all(entries.iter().map(|entry| desks[0].add(entry))).await {
        added.unwrap();
    }
    let claims = |desk: usize| {
        let (catalogue, entries) = (&desks[desk], &entries);
        // Each in another order, as they would come to lock rows that the other one waits for.
        let order = (0..entries.len()).map(move |number| (number * (desk * 2 + 1)) % entries.len());
        async move {
            let puts = order.map(|number| async move {
                let claim = Entry { note: Some(desk.to_string()), ..entries[number].clone() };
                (number, catalogue.put(&claim).await.unwrap())
            });
            join_all(puts).await
        }
    };
    let mut winners = vec![Vec::new(); entries.len()];
    for (desk, puts) in join_all([claims(0), claims(1), claims(2)]).await.into_iter().enumerate() {
        for (number, put) in puts {
            if put == PutOutcome::Written {
                winners[number].push(desk.to_string());
            }
        }
    }
    for (entry, winners) in entries.iter().zip(winners) {
        let found = desks[2].find(&entry.id).await.unwrap().unwrap();
        assert_eq!((winners.len(), found.note, found.revision), (1, winners.into_iter().next(), 1));
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_refused_does_not_fail_its_neighbours() {
    let world = World::new("neighbours").await;
    let catalogue = world.open().await;
    let first = pending("first");
    catalogue.add(&first).await.unwrap();
    let mut entries: Vec<_> = (0..50).map(|_| pending("good")).collect();
    entries.insert(20, first.clone());
    entries.insert(30, first.clone());
    let added = join_all(entries.iter().map(|entry| catalogue.add(entry))).await;
    for (entry, added) in entries.iter().zip(added) {
        match added {
            Ok(()) => assert_eq!(catalogue.find(&entry.id).await.unwrap().as_ref(), Some(entry)),
            Err(error) => {
                assert_eq!((entry.id, error.kind()), (first.id, CatalogueErrorKind::Refused), "{error}");
            }
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_go_away_do_no_harm() {
    let world = World::new("gone").await;
    let catalogue = world.open().await;
    let entries: Vec<_> = (0..300).map(|number| at(NOW + number, "a.jpg")).collect();
    let tasks: Vec<_> = entries
        .iter()
        .map(|entry| {
            let (catalogue, entry) = (catalogue.clone(), entry.clone());
            tokio::spawn(async move { catalogue.add(&entry).await })
        })
        .collect();
    for (number, task) in tasks.iter().enumerate() {
        if number % 3 == 0 {
            task.abort();
        }
        tokio::task::yield_now().await;
    }
    for (entry, task) in entries.iter().zip(tasks) {
        if let Ok(added) = task.await {
            added.unwrap();
            assert_eq!(catalogue.find(&entry.id).await.unwrap().as_ref(), Some(entry));
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn desks_that_start_at_once_make_the_tables_once() {
    for round in 0..5 {
        let world = World::new(&format!("start{round}")).await;
        start_many(&world).await;
        // As when the program has become newer than the tables.
        world.sql("DELETE FROM storage_migrations").await;
        start_many(&world).await;
        world.end().await;
    }
}

async fn start_many(world: &World) {
    let desks = (0..8).map(|_| {
        let url = world.url.clone();
        tokio::spawn(async move { Catalogue::open(&url).await })
    });
    for desk in join_all(desks).await {
        let desk = desk.unwrap().unwrap();
        desk.add(&pending("a.jpg")).await.unwrap();
        desk.close().await;
    }
}
