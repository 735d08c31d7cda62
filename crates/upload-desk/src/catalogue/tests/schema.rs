//! The tables, as others left them.

use sqlx::Row as _;

use super::*;

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let world = World::new("reopened").await;
    let entry = pending("a.jpg");
    let catalogue = world.open().await;
    catalogue.add(&entry).await.unwrap();
    catalogue.close().await;
    assert_eq!(catalogue.add(&pending("b.jpg")).await.unwrap_err().kind(), CatalogueErrorKind::Unavailable);
    assert_eq!(catalogue.find(&entry.id).await.unwrap_err().kind(), CatalogueErrorKind::Unavailable);
    assert_eq!(world.open().await.find(&entry.id).await.unwrap(), Some(entry));
    world.end().await;
}

#[tokio::test]
async fn tables_of_a_newer_version_are_refused() {
    let world = World::new("newer").await;
    world.open().await.close().await;
    world
        .sql("INSERT INTO storage_migrations (version, description, success, checksum, execution_time) VALUES (9000, 'x', TRUE, '', 0)")
        .await;
    let error = Catalogue::open(&world.url).await.unwrap_err();
    assert_eq!(error.kind(), CatalogueErrorKind::Misconfigured);
    assert!(
        error.to_string().ends_with("a newer version of this program (migration 9000): update it"),
        "{error}"
    );
    world.end().await;
}

#[tokio::test]
async fn tables_of_another_program_are_refused() {
    let world = World::new("foreign").await;
    world.open().await.close().await;
    world.sql("UPDATE storage_migrations SET checksum = 'other'").await;
    let error = Catalogue::open(&world.url).await.unwrap_err();
    assert_eq!(error.kind(), CatalogueErrorKind::Misconfigured);
    assert!(error.to_string().contains("another program"), "{error}");
    world.end().await;
}

#[tokio::test]
async fn a_desk_that_died_while_it_made_the_tables_is_made_up_for() {
    let world = World::new("died").await;
    let entry = pending("a.jpg");
    let catalogue = world.open().await;
    catalogue.add(&entry).await.unwrap();
    catalogue.close().await;
    world.sql("UPDATE storage_migrations SET success = FALSE").await;
    assert_eq!(world.open().await.find(&entry.id).await.unwrap(), Some(entry));
    assert_eq!(world.rows("SELECT version FROM storage_migrations WHERE success = TRUE").await.len(), 2);
    world.end().await;
}

#[tokio::test]
async fn a_schema_that_others_changed_is_told_of() {
    let world = World::new("changed").await;
    let catalogue = world.open().await;
    world.sql("ALTER TABLE storage RENAME TO archive").await;
    for error in [
        catalogue.add(&pending("a.jpg")).await.unwrap_err(),
        catalogue.next_due().await.unwrap_err(),
        catalogue.ping().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), CatalogueErrorKind::Misconfigured, "{error}");
    }
    world.end().await;
}

/// Only the plans of SQLite are told in words that do not depend on how many rows there are.
#[tokio::test]
async fn no_statement_sorts_or_reads_the_whole_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("desk.db");
    let url = DatabaseUrl::parse(&format!("sqlite://{}", path.display())).unwrap();
    Catalogue::open(&url).await.unwrap().close().await;
    for (statement, index) in statements::texts() {
        let explained = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let mut connection =
            <sqlx::SqliteConnection as sqlx::Connection>::connect(path.to_str().unwrap()).await.unwrap();
        let rows = sqlx::query(explained).fetch_all(&mut connection).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        let plan = plan.join("; ");
        assert!(
            plan.contains(index) && !plan.contains("SCAN") && !plan.contains("B-TREE"),
            "{statement}: {plan}"
        );
    }
}
