//! A server of MariaDB: the one given, or a private one.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Result;

const GIVEN: &str = "BENCH_MYSQL_URL";

/// It ends with this, if it is private.
pub(crate) struct Server {
    url: String,
    process: Option<Child>,
}

impl Server {
    /// Nothing where none is given and none is installed.
    pub(crate) fn find() -> Result<Option<Self>> {
        if let Ok(url) = env::var(GIVEN) {
            return Ok(Some(Self { url: url.trim_end_matches('/').to_owned(), process: None }));
        }
        // Where servers are, and the paths of users do not lead.
        let path = env::var("PATH").unwrap_or_default() + ":/usr/sbin";
        let installed =
            Command::new("mariadbd").arg("--version").env("PATH", path).stdout(Stdio::null()).status();
        if !installed.is_ok_and(|status| status.success()) {
            eprintln!("no {GIVEN}, no mariadbd: only SQLite is measured");
            return Ok(None);
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/desk/mariadb");
        let mut process = Command::new(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut url = String::new();
        let output = process.stdout.take().ok_or("no output")?;
        BufReader::new(output).read_line(&mut url)?;
        if url.is_empty() {
            return Err("MariaDB ended before it was ready".into());
        }
        Ok(Some(Self { url: url.trim().to_owned(), process: Some(process) }))
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            drop(process.stdin.take());
            let _ = process.wait();
        }
    }
}
