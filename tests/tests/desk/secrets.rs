//! Nothing secret leaves the desk but in the requests that need it.

use bytes::Bytes;
use cloud_twin::{Fault, FaultResponse, Service};
use e2e::desk::{ADMIN, DeskSetup, ERIC, MIA};
use e2e::{Cloud, Desk, WebReply, WebRequest, WebServer};
use serde_json::json;

use crate::support::{allow_unknown, field, told};

const QUERY: &str = "hush-signature";

/// What a desk let out.
struct Seen {
    log: String,
    /// What it answered, and printed at its end.
    shown: String,
    /// Of a form that it gave.
    signature: String,
}

/// Does whatever a desk does, and lets it go wrong.
async fn exercise(cloud: &Cloud, setup: DeskSetup, site: &WebServer) -> Seen {
    let setup = setup.set("INGEST_DOMAINS", "127.0.0.1").set("INGEST_ALLOW_PRIVATE", "true");
    let desk = setup.start().await;
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    let signature = field(&allowed.body["upload"], "x-oss-signature");
    let stored = desk.send_form(&allowed.body["upload"], b"abc").await;
    desk.until_forwarded(ERIC, &stored.id()).await;
    let mut ends = Vec::new();
    for path in ["/good", "/missing", "/refused", "/broken"] {
        let url = site.url(&format!("{path}?token={QUERY}"));
        ends.push(desk.post(ERIC, "/uploads/from-url", json!({"url": url})).await);
    }
    for ended in &ends {
        let path = format!("/uploads/{}", ended.id());
        desk.until(ERIC, &path, |answered| answered.body["state"] != "fetching").await;
    }
    let elsewhere = format!("http://user:{QUERY}@127.0.0.1/");
    for url in [elsewhere, format!("https://example.com/?token={QUERY}"), format!("http://[{QUERY}")] {
        desk.post(ERIC, "/uploads/from-url", json!({"url": url})).await;
    }
    let unknown = allow_unknown(&desk, MIA, "b.txt", b"abc").await;
    desk.call_back(&cloud.twin, &told(&unknown, "x", 3)).await;
    desk.call_back_as(&cloud.twin, "/x", "/callback", b"{}").await;
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    let refused = desk.upload(MIA, "c.txt", "text/plain", b"c").await;
    desk.until_forwarded(MIA, &refused.id()).await;
    cloud.twin.faults().inject(Fault::respond(Service::Oss, FaultResponse::error(403, "AccessDenied", "no")));
    desk.post(ADMIN, "/buckets", json!({"name": "photos"})).await;
    desk.post(MIA, &format!("/uploads/{}/check", unknown.id()), json!({})).await;
    desk.delete(MIA, &format!("/objects/{}", refused.id())).await;
    desk.until_logged("not done").await;
    cloud.twin.faults().clear_all();
    let lock = desk.setup().database().lock().await;
    desk.post(ERIC, "/uploads", json!({"name": "d.txt", "size": 1})).await;
    lock.release().await;
    let shown = [desk.get(ERIC, "/objects").await, desk.get(MIA, "/metrics").await];
    let shown = shown.map(|answered| answered.body.to_string()).concat();
    let log = desk.log();
    let (_, totals) = desk.stop().await;
    Seen { log, shown: format!("{shown}{totals}"), signature }
}

#[tokio::test]
async fn no_secret_shows_in_the_log_whatever_goes_wrong() {
    let cloud = Cloud::start().await;
    let site = WebServer::start(|request: &WebRequest| {
        let content = Bytes::from_static(b"content of the web");
        match request.target.split('?').next().unwrap() {
            "/good" => WebReply::file(request, &content),
            "/missing" => WebReply::new(404),
            "/refused" => WebReply::new(403),
            _ => WebReply::new(302).header("location", format!("http://169.254.169.254/?token={QUERY}")),
        }
    })
    .await;
    for format in ["json", "text"] {
        let setup = Desk::on(&cloud).await.set("RUST_LOG", "trace").set("LOG_FORMAT", format);
        let database = setup.database().url().to_owned();
        let Seen { log, shown, signature } = exercise(&cloud, setup, &site).await;
        assert!(log.contains("TRACE"), "there is something to look at");
        let account = cloud.twin.function_account();
        let mut secrets = vec![
            account.secret_key.clone(),
            cloud.twin.huawei_account().secret_key.clone(),
            QUERY.to_owned(),
            "OSS4-HMAC-SHA256 Credential".to_owned(),
        ];
        secrets.extend([ERIC, MIA, ADMIN].map(|user| user.token.to_owned()));
        secrets.extend(password(&database).map(|password| format!(":{password}@")));
        for secret in &secrets {
            assert!(!shown.contains(secret.as_str()), "{secret} is in {shown}");
        }
        // Links have these in them.
        secrets.push(signature);
        secrets.extend(account.security_token.clone());
        for secret in &secrets {
            let line = log.lines().find(|line| line.contains(secret.as_str()));
            assert!(line.is_none(), "{format}: {secret} is in {line:?}");
        }
    }
}

/// The password in the URL of a database, if there is one.
fn password(url: &str) -> Option<&str> {
    let (account, _) = url.split_once("//")?.1.split_once('@')?;
    account.split_once(':').map(|(_, password)| password)
}
