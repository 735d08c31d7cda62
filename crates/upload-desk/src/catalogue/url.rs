//! The URL of the catalogue.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use percent_encoding::percent_decode_str;
use reqwest::Url;
use secrecy::SecretString;
use settings::Invalid;
use sqlx::mysql::MySqlConnectOptions;

/// A database: `sqlite://folder/file.db` or `mysql://user:password@host:3306/database`. Shown without its
/// password.
///
/// A path after `sqlite://` is relative unless a third slash follows; percent signs escape. Parameters of a
/// URL of MySQL are those of [`MySqlConnectOptions`], such as `ssl-mode=VERIFY_IDENTITY`; `mariadb://` means
/// the same.
#[derive(Clone)]
pub struct DatabaseUrl {
    pub(super) database: Database,
    shown: String,
}

#[derive(Clone)]
pub(super) enum Database {
    Sqlite(PathBuf),
    MySql(SecretString),
}

impl DatabaseUrl {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// What is wrong with it, without repeating it: it may contain a password.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text.split_once(':') {
            Some(("sqlite", rest)) => sqlite(rest.strip_prefix("//").unwrap_or(rest)),
            Some(("mysql" | "mariadb", _)) => mysql(text),
            _ => Err(Invalid::new("it begins with neither sqlite:// nor mysql:// nor mariadb://")),
        }
    }
}

fn sqlite(rest: &str) -> Result<DatabaseUrl, Invalid> {
    let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let path = percent_decode_str(path).decode_utf8().map_err(|_| Invalid::new("its path is not UTF-8"))?;
    if path.is_empty() {
        return Err(Invalid::new("it names no file"));
    }
    if path == ":memory:" || parameters.contains("mode=memory") {
        return Err(Invalid::new("a database in memory loses everything at a restart; name a file"));
    }
    if path.contains('\0') {
        return Err(Invalid::new("its path has a NUL in it"));
    }
    // `mode=rwc` is common, and the default here.
    if !matches!(parameters, "" | "mode=rwc") {
        return Err(Invalid::new("a SQLite URL has no parameters here"));
    }
    Ok(DatabaseUrl {
        shown: format!("sqlite://{path}"),
        database: Database::Sqlite(Path::new(&*path).to_owned()),
    })
}

fn mysql(text: &str) -> Result<DatabaseUrl, Invalid> {
    let wrong =
        || Invalid::new("is no URL such as mysql://user:password@host:3306/database: the port is a number");
    let mut url = Url::parse(text).map_err(|_| wrong())?;
    MySqlConnectOptions::from_str(text).map_err(Invalid::new)?;
    if url.path().trim_matches('/').is_empty() {
        return Err(Invalid::new("it names no database: mysql://user:password@host:3306/database"));
    }
    // Fails for URLs without a host, which have no password either.
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    Ok(DatabaseUrl { shown: url.to_string(), database: Database::MySql(text.to_owned().into()) })
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}
