//! Files of SQLite.

use super::*;

fn url(folder: &tempfile::TempDir, path: &str) -> DatabaseUrl {
    DatabaseUrl::parse(&format!("sqlite://{}/{path}", folder.path().display())).unwrap()
}

#[tokio::test]
async fn a_folder_that_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    std::fs::create_dir(folder.path().join("dir")).unwrap();
    for (path, why) in [
        ("none/desk.db", "there is no folder"),
        ("file/desk.db", "cannot write to"),
        ("dir", "cannot write to"),
    ] {
        let error = Catalogue::open(&url(&folder, path)).await.unwrap_err();
        assert_eq!(error.kind(), CatalogueErrorKind::Misconfigured);
        assert!(error.to_string().contains(why) && error.to_string().contains(path), "{error}");
    }
}

#[tokio::test]
async fn a_file_may_have_any_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in [":memory:", "100%25.db", "what%3Fis#this.db", "名 字.db", "a&b=c+d.db", "Desk.DB"] {
        let entry = pending("a.jpg");
        let catalogue = Catalogue::open(&url(&folder, name)).await.unwrap();
        catalogue.add(&entry).await.unwrap();
        assert_eq!(catalogue.find(&entry.id).await.unwrap(), Some(entry));
    }
    let mut names: Vec<_> = folder
        .path()
        .read_dir()
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.retain(|name| !name.ends_with("-wal") && !name.ends_with("-shm"));
    names.sort();
    assert_eq!(names, ["100%.db", ":memory:", "Desk.DB", "a&b=c+d.db", "what?is#this.db", "名 字.db"]);
}

#[tokio::test]
async fn a_closed_catalogue_is_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::open(&url(&folder, "desk.db")).await.unwrap();
    catalogue.add(&pending("a.jpg")).await.unwrap();
    catalogue.ping().await.unwrap();
    assert!(folder.path().join("desk.db-wal").exists());
    catalogue.close().await;
    let files: Vec<_> = folder.path().read_dir().unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["desk.db"]);
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_written_to_a_file_that_was_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::open(&url(&folder, "desk.db")).await.unwrap();
    catalogue.add(&pending("a.jpg")).await.unwrap();
    let (file, aside) = (folder.path().join("desk.db"), folder.path().join("aside.db"));
    std::fs::rename(&file, &aside).unwrap();
    for again in [false, true] {
        if again {
            std::fs::write(&file, "").unwrap();
        }
        for error in
            [catalogue.add(&pending("b.jpg")).await.unwrap_err(), catalogue.ping().await.unwrap_err()]
        {
            assert_eq!(error.kind(), CatalogueErrorKind::Unavailable);
            assert!(error.to_string().contains("desk.db"), "{error}");
        }
    }
    std::fs::rename(&aside, &file).unwrap();
    catalogue.add(&pending("c.jpg")).await.unwrap();
    catalogue.ping().await.unwrap();
}

#[tokio::test]
async fn commits_reach_the_disk_before_they_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(&folder, "desk.db");
    let connector = connect::Connector::new(&url).unwrap();
    Catalogue::open(&url).await.unwrap().close().await;
    let mut connection = connector.connect(connect::Purpose::Writing).await.unwrap();
    for (pragma, expected) in
        [("PRAGMA synchronous", "2"), ("PRAGMA journal_mode", "wal"), ("PRAGMA busy_timeout", "2000")]
    {
        let row = sqlx::query(pragma).fetch_one(&mut connection).await.unwrap();
        let found = sqlx::Row::try_get::<String, _>(&row, 0)
            .or_else(|_| sqlx::Row::try_get::<i64, _>(&row, 0).map(|number| number.to_string()));
        assert_eq!(found.unwrap(), expected, "{pragma}");
    }
}

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_is_for_its_owner_alone_and_none_is_for_everybody() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    for (before, after) in [
        (None, 0o600),
        (Some(0o644), 0o640),
        (Some(0o664), 0o660),
        (Some(0o666), 0o660),
        (Some(0o660), 0o660),
        (Some(0o606), 0o600),
    ] {
        let path = folder.path().join(format!("{before:?}.db"));
        if let Some(before) = before {
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(before)).unwrap();
        }
        let opened = Catalogue::open(&url(&folder, &format!("{before:?}.db"))).await;
        if let Ok(catalogue) = opened {
            catalogue.add(&pending("a.jpg")).await.unwrap();
            for suffix in ["-wal", "-shm"] {
                let beside = folder.path().join(format!("{before:?}.db{suffix}"));
                assert_eq!(mode(&beside), after, "{}", beside.display());
            }
        }
        assert_eq!(mode(&path), after, "{before:?}");
    }
}
