//! Source and destination: local clouds in processes of their own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use bench::process;
use oss_lite::{Bucket, Client, ClientConfig, Credentials, Dialect};
use serde::Deserialize;

use crate::Result;

/// A local cloud with a bucket in OSS and one in OBS. It ends with this process, or when dropped.
pub(crate) struct Cloud {
    child: Child,
    bucket: &'static str,
    _open: Option<ChildStdin>,
    about: About,
}

#[derive(Deserialize)]
struct About {
    admin_url: String,
    oss_url: String,
    obs_url: String,
    region: String,
    oss_accounts: Vec<Account>,
    huawei_accounts: Vec<Account>,
}

#[derive(Deserialize)]
struct Account {
    access_key: String,
    secret_key: String,
}

/// How a service is reached, and its bucket.
pub(crate) struct Service {
    pub(crate) dialect: Dialect,
    pub(crate) bucket: &'static str,
    pub(crate) url: String,
    pub(crate) region: String,
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
}

impl Cloud {
    /// The buckets of both services have this name. OSS or OBS listens where it is told, the rest anywhere.
    pub(crate) fn start(
        program: &Path,
        bucket: &'static str,
        listens: Option<(Dialect, SocketAddr)>,
    ) -> Result<Self> {
        let listens = listens.map(|(dialect, address)| {
            let option = if dialect == Dialect::Oss { "--oss-addr" } else { "--obs-addr" };
            [option.to_owned(), address.to_string()]
        });
        let mut child = Command::new(program)
            .args(["--oss-bucket", bucket, "--obs-bucket", bucket, "--exit-on-stdin-close"])
            .args(listens.into_iter().flatten())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Self { _open: child.stdin.take(), child, bucket, about: serde_json::from_str(&line)? })
    }

    pub(crate) fn service(&self, dialect: Dialect) -> Result<Service> {
        let About { oss_url, obs_url, region, oss_accounts, huawei_accounts, .. } = &self.about;
        let (url, accounts) = match dialect {
            Dialect::Oss => (oss_url, oss_accounts),
            Dialect::Obs => (obs_url, huawei_accounts),
        };
        let account = accounts.first().ok_or("no account")?;
        Ok(Service {
            dialect,
            bucket: self.bucket,
            url: url.clone(),
            region: region.clone(),
            access_key: account.access_key.clone(),
            secret_key: account.secret_key.clone(),
        })
    }

    /// Seconds of CPU used so far.
    pub(crate) fn cpu(&self) -> Result<f64> {
        process::cpu(self.child.id())
    }

    /// Requests answered so far.
    pub(crate) async fn requests(&self, http: &reqwest::Client) -> Result<u64> {
        #[derive(Deserialize)]
        struct Stats {
            requests: Vec<Requests>,
        }
        #[derive(Deserialize)]
        struct Requests {
            count: u64,
        }
        let text = http.get(format!("{}/stats", self.about.admin_url)).send().await?.text().await?;
        let stats: Stats = serde_json::from_str(&text)?;
        Ok(stats.requests.iter().map(|requests| requests.count).sum())
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // It may be gone already; there is nothing to be done about either failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    /// Address without scheme.
    pub(crate) fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub(crate) fn credentials(&self) -> Credentials {
        Credentials::new(self.access_key.clone(), self.secret_key.clone())
    }

    pub(crate) fn open(&self, http: &reqwest::Client) -> Result<Bucket> {
        let config = ClientConfig::new(self.url.parse()?, self.dialect).with_region(&self.region);
        let client = Client::new(http.clone(), config)?;
        Ok(client.bucket(&self.bucket.parse()?, Arc::new(self.credentials())))
    }
}
