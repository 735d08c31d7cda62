//! URLs of databases.

use super::*;

#[test]
fn urls_are_shown_without_their_password() {
    for (text, shown) in [
        ("sqlite://desk.db", "sqlite://desk.db"),
        ("sqlite:desk.db", "sqlite://desk.db"),
        ("sqlite:///var/lib/desk.db?mode=rwc", "sqlite:///var/lib/desk.db"),
        (
            "mysql://eric:se%3Acret@db.example.com:3307/desk?ssl-key=secret",
            "mysql://eric@db.example.com:3307/desk",
        ),
        ("mariadb://db/desk", "mariadb://db/desk"),
        ("mysql:///desk?socket=/run/mysqld.sock", "mysql:///desk"),
    ] {
        let url = DatabaseUrl::parse(text).unwrap();
        assert_eq!(url.to_string(), shown);
        assert_eq!(format!("{url:?}"), format!("DatabaseUrl({shown})"));
    }
}

#[test]
fn invalid_urls_are_refused_without_being_quoted() {
    for (text, why) in [
        ("", "begins with"),
        ("desk.db", "begins with"),
        ("postgres://eric:secret@db/desk", "begins with"),
        ("sqlite:", "no file"),
        ("sqlite://", "no file"),
        ("sqlite::memory:", "loses everything"),
        ("sqlite://:memory:", "loses everything"),
        ("sqlite://desk.db?mode=memory", "loses everything"),
        ("sqlite://desk.db?mode=ro", "no parameters"),
        ("sqlite://%FF", "UTF-8"),
        ("sqlite://%00", "NUL"),
        ("mysql://eric:secret@db", "names no database"),
        ("mysql://eric:secret@db/", "names no database"),
        ("mysql://eric:secret@db:port/desk", "port"),
        ("mysql://eric:secret@db/desk?ssl-mode=perhaps", "ssl_mode"),
    ] {
        let error = DatabaseUrl::parse(text).unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains("secret"), "{text}: {error}");
    }
}

#[tokio::test]
async fn a_catalogue_is_shown_without_its_password() {
    let world = World::new("shown").await;
    let catalogue = world.open().await;
    assert_eq!(format!("{catalogue:?}"), format!("Catalogue({:?})", world.url));
    world.end().await;
}
