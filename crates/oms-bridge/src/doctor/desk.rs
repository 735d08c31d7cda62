//! Whether the desk reaches its database, and browsers and OSS reach the desk.

use std::net::IpAddr;

use oss_lite::{Bucket, Error, ErrorKind};
use reqwest::Url;
use settings::service::Service;
use upload_desk::catalogue::{Catalogue, CatalogueLook, DatabaseUrl};
use upload_desk::store::PageAccess;

use super::{Finding, Severity};
use crate::failure::{End, catalogue_kind, store_remedy};
use bridge_config::DeskCommandSettings;

/// The services of the desk.
#[derive(Debug)]
pub(crate) struct DeskSetup {
    /// Absent without credentials.
    bucket: Option<Bucket>,
    service: Service,
    database: DatabaseUrl,
    callback: Option<Url>,
}

impl DeskSetup {
    /// From the settings of the desk; `bucket` is the bucket that they name.
    pub(crate) fn new(settings: DeskCommandSettings, bucket: Option<Bucket>) -> Self {
        let DeskCommandSettings { desk, oss, .. } = settings;
        Self { bucket, service: oss, database: desk.database, callback: desk.callback_url }
    }
}

pub(super) async fn check(parts: &DeskSetup) -> Vec<Finding> {
    let cors = async {
        match &parts.bucket {
            Some(bucket) => Some(cors(bucket, &parts.service).await),
            None => None,
        }
    };
    let (database, cors) = tokio::join!(database(&parts.database), cors);
    let mut findings = vec![database];
    findings.extend(cors);
    findings.push(callback(parts.callback.as_ref()));
    findings
}

async fn database(url: &DatabaseUrl) -> Finding {
    const CHECK: &str = "desk database";
    match Catalogue::look(url).await {
        Ok(CatalogueLook::There) => Finding::ok(CHECK, "can be connected to"),
        Ok(CatalogueLook::ToBeMade) => Finding::ok(CHECK, "does not exist yet: the desk creates the file"),
        Err(error) => Finding::bad(
            CHECK,
            catalogue_kind(&error).into(),
            error.to_string(),
            "the desk does not start",
            "check DESK_DATABASE: host, name, user and password, or the folder of the file",
        ),
    }
}

async fn cors(bucket: &Bucket, service: &Service) -> Finding {
    const CHECK: &str = "desk CORS";
    const WHY: &str = "browsers refuse to upload, and do not show why";
    let name = bucket.name();
    let access = bucket.get_cors().await.map(|rules| PageAccess::of(&rules));
    let error = match access {
        Ok(PageAccess { forms: true, parts: true }) => {
            return Finding::ok(CHECK, format!("rules of {name} let pages upload"));
        }
        Ok(PageAccess { forms: true, parts: false }) => {
            let what = format!("no rule of {name} lets pages upload in parts");
            let why = "small files can be uploaded, large ones cannot";
            let remedy = "start the desk with --set-cors once, or add a rule that allows PUT and the header Content-MD5, and exposes ETag";
            return Finding::bad(CHECK, Severity::Warning, what, why, remedy);
        }
        Ok(PageAccess { forms: false, .. }) => {
            let what = format!("no rule of {name} lets pages upload to it");
            let remedy = "start the desk with --set-cors once, or add a rule that allows POST";
            return Finding::bad(CHECK, Severity::Problem, what, WHY, remedy);
        }
        Err(error) => error,
    };
    let end = End { service, bucket: name.as_str(), named_by: "DESK_BUCKET" };
    Finding::bad(
        CHECK,
        severity(&error, end),
        error.to_string(),
        WHY,
        store_remedy(&error, end, "GetBucketCors"),
    )
}

/// The desk works without the permission to read the rules.
fn severity(error: &Error, end: End<'_>) -> Severity {
    match error.kind() {
        ErrorKind::AccessDenied => Severity::Warning,
        _ => end.kind_of(error).into(),
    }
}

/// OSS calls from its own network, so only the address can be checked from here.
fn callback(url: Option<&Url>) -> Finding {
    const CHECK: &str = "desk callback";
    const SETTING: &str = "set DESK_CALLBACK_URL to an address of the desk that OSS reaches, such as https://desk.example.com/callback";
    let Some(url) = url else {
        return Finding::bad(
            CHECK,
            Severity::Warning,
            "DESK_CALLBACK_URL is not set",
            "OSS does not report uploads, so the desk has to check each one itself",
            SETTING,
        );
    };
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let inside = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| is_inside(address));
    if inside {
        return Finding::bad(
            CHECK,
            Severity::Warning,
            format!("{host} cannot be reached from outside this network"),
            "OSS calls back from its own network, so it cannot report uploads to the desk",
            SETTING,
        );
    }
    Finding::ok(CHECK, format!("OSS calls {host}; whether it reaches it shows with the first upload"))
}

fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_that_oss_cannot_reach_is_a_warning() {
        for (url, severity) in [
            (None, Severity::Warning),
            (Some("http://127.0.0.1:8080/callback"), Severity::Warning),
            (Some("http://192.168.1.2/callback"), Severity::Warning),
            (Some("http://[::1]/callback"), Severity::Warning),
            (Some("http://localhost/callback"), Severity::Warning),
            (Some("https://desk.example.com/callback"), Severity::Ok),
            (Some("http://8.8.8.8/callback"), Severity::Ok),
        ] {
            let parsed = url.map(|url| Url::parse(url).unwrap());
            assert_eq!(callback(parsed.as_ref()).severity, severity, "{url:?}");
        }
    }
}
