//! What is told of errors.

use super::*;

#[tokio::test]
async fn an_error_names_the_database_and_what_it_said() {
    let world = World::new("told").await;
    let catalogue = world.open().await;
    let entry = pending("a.jpg");
    catalogue.add(&entry).await.unwrap();
    let error = catalogue.add(&entry).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: cannot write: ", world.url)), "{error}");
    assert!(error.to_lowercase().contains("unique") || error.contains("Duplicate entry"), "{error}");
    assert!(!error.contains('\n'), "{error}");
    world.end().await;
}
