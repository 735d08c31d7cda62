//! Gates before signed requests: when they are asked, and what they are told.

use std::sync::Arc;
use std::time::Duration;

use oss_lite::SignatureVerdict::{Accepted, Locked, Refused, Unknown};
use oss_lite::{
    Bucket, Dialect, Entering, ErrorKind, PresignOptions, PutOptions, SignatureGate, SignaturePass,
    SignatureVerdict, Withheld,
};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::server::{Reply, Server, bucket, error, head_reply, ok, reply};

/// Keeps what it is told. A pass that is dropped untold counts as `None`.
#[derive(Clone, Default)]
struct Gate {
    told: Arc<Mutex<Vec<Option<SignatureVerdict>>>>,
    closed: bool,
    stuck: bool,
}

struct Pass(Arc<Mutex<Vec<Option<SignatureVerdict>>>>, Option<SignatureVerdict>);

impl SignatureGate for Gate {
    fn enter(&self) -> Entering<'_> {
        Box::pin(async {
            if self.stuck {
                std::future::pending::<()>().await;
            }
            if self.closed {
                return Err(Withheld("not sent: the gate is closed".to_owned()));
            }
            Ok(Box::new(Pass(Arc::clone(&self.told), None)) as Box<dyn SignaturePass>)
        })
    }
}

impl SignaturePass for Pass {
    fn answered(mut self: Box<Self>, verdict: SignatureVerdict) {
        self.1 = Some(verdict);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.lock().push(self.1);
    }
}

impl Gate {
    fn bucket(&self, server: &Server, dialect: Dialect) -> Bucket {
        let gate = self.clone();
        bucket(server.config(dialect).with_signature_gate(move |credentials| {
            assert_eq!(credentials.access_key_id(), "the-id");
            Arc::new(gate.clone())
        }))
    }

    fn told(&self) -> Vec<Option<SignatureVerdict>> {
        self.told.lock().clone()
    }
}

fn id(dialect: Dialect) -> (&'static str, &'static str) {
    match dialect {
        Dialect::Oss => ("x-oss-request-id", "r-1"),
        Dialect::Obs => ("x-obs-request-id", "r-1"),
    }
}

fn refusal(status: &str, code: &str, detail: &str) -> Reply {
    let document = format!("<Error><Code>{code}</Code><Message>no</Message><EC>{detail}</EC></Error>");
    reply(status, &[id(Dialect::Oss), id(Dialect::Obs)], document)
}

#[tokio::test]
async fn an_answer_says_of_the_signature_what_the_service_must_have_found_out() {
    for (status, code, detail, verdict) in [
        ("403 Forbidden", "SignatureDoesNotMatch", "", Refused),
        ("403 Forbidden", "InvalidAccessKeyId", "", Refused),
        ("403 Forbidden", "InvalidSecurityToken", "", Refused),
        ("403 Forbidden", "SecurityTokenExpired", "", Refused),
        ("401 Unauthorized", "Whatever", "", Refused),
        ("400 Bad Request", "TooManyWrongSignature", "", Locked),
        ("403 Forbidden", "AccessDenied", "", Accepted),
        ("403 Forbidden", "AccessDenied", "0003-00000001", Accepted),
        ("403 Forbidden", "AccessDenied", "0002-00000069", Unknown),
        ("403 Forbidden", "InvalidObjectState", "", Accepted),
        ("404 Not Found", "NoSuchKey", "", Accepted),
        ("404 Not Found", "NoSuchUpload", "", Accepted),
        ("409 Conflict", "FileAlreadyExists", "", Accepted),
        ("412 Precondition Failed", "PreconditionFailed", "", Accepted),
        ("404 Not Found", "NoSuchBucket", "", Unknown),
        ("403 Forbidden", "InArrearOrInsufficientBalance", "", Unknown),
        ("400 Bad Request", "InvalidArgument", "", Unknown),
        ("301 Moved Permanently", "PermanentRedirect", "", Unknown),
    ] {
        for dialect in [Dialect::Oss, Dialect::Obs] {
            let (server, gate) = (Server::with([refusal(status, code, detail)]).await, Gate::default());
            gate.bucket(&server, dialect).delete("k").await.expect_err("refused");
            assert_eq!(gate.told(), [Some(verdict)], "{status} {code} {detail}");
        }
    }
}

#[tokio::test]
async fn success_and_errors_of_somebody_else_prove_nothing() {
    for (answer, verdict) in [
        (reply("204 No Content", &[id(Dialect::Obs)], ""), Accepted),
        (reply("200 OK", &[], "<html>Sign in</html>"), Unknown),
        (error("403 Forbidden", "AccessDenied"), Unknown),
        (reply("403 Forbidden", &[], "<html>blocked</html>"), Unknown),
    ] {
        let (server, gate) = (Server::with([answer]).await, Gate::default());
        let _ = gate.bucket(&server, Dialect::Obs).delete("k").await;
        assert_eq!(gate.told(), [Some(verdict)]);
    }
    // The 404 of a proxy is asked for again.
    let nothing = || reply("404 Not Found", &[], "<html>nothing here</html>");
    let (server, gate) = (Server::with([nothing(), nothing(), nothing()]).await, Gate::default());
    let _ = gate.bucket(&server, Dialect::Obs).delete("k").await;
    assert_eq!(gate.told(), [Some(Unknown); 3]);
}

#[tokio::test]
async fn a_refusal_of_head_is_known_by_its_header_or_feared() {
    let coded = |status: &str, code| head_reply(status, &[id(Dialect::Obs), ("x-obs-error-code", code)]);
    for (answer, kind, verdict) in [
        (coded("403 Forbidden", "SignatureDoesNotMatch"), ErrorKind::CredentialsRefused, Refused),
        (coded("403 Forbidden", "AccessDenied"), ErrorKind::AccessDenied, Accepted),
        (coded("404 Not Found", "NoSuchKey"), ErrorKind::NoSuchKey, Accepted),
        (coded("404 Not Found", "NoSuchBucket"), ErrorKind::NoSuchBucket, Unknown),
        (head_reply("403 Forbidden", &[id(Dialect::Obs)]), ErrorKind::AccessDenied, Refused),
    ] {
        let (server, gate) = (Server::with([answer]).await, Gate::default());
        let error = gate.bucket(&server, Dialect::Obs).head("k").await.expect_err("refused");
        assert_eq!((error.kind(), gate.told()), (kind, vec![Some(verdict)]), "{error}");
    }
}

#[tokio::test]
async fn every_try_asks_anew_and_what_passes_by_itself_says_nothing() {
    let skewed = reply(
        "403 Forbidden",
        &[id(Dialect::Oss), ("date", "Thu, 01 Jan 2026 13:30:00 GMT")],
        "<Error><Code>RequestTimeTooSkewed</Code></Error>",
    );
    let replies = [
        refusal("503 Service Unavailable", "SlowDown", ""),
        Reply::Last(Vec::new()),
        skewed,
        reply("204 No Content", &[id(Dialect::Oss)], ""),
    ];
    let (server, gate) = (Server::with(replies).await, Gate::default());
    gate.bucket(&server, Dialect::Oss).delete("k").await.expect("deleted at last");
    assert_eq!(gate.told(), [Some(Unknown), None, Some(Unknown), Some(Accepted)]);
}

#[tokio::test]
async fn what_a_gate_holds_back_is_not_sent_and_not_tried_again() {
    let (server, gate) = (Server::with([]).await, Gate { closed: true, ..Gate::default() });
    let bucket = gate.bucket(&server, Dialect::Obs);
    let error = bucket.put("k", "body".into(), PutOptions::default()).await.expect_err("held back");
    assert!(error.is_withheld() && !error.is_retryable(), "{error}");
    assert_eq!((error.kind(), error.status()), (ErrorKind::CredentialsRefused, None));
    assert_eq!(error.to_string(), "put \"k\" in bucket examplebucket: not sent: the gate is closed");
    assert_eq!(server.connections(), 0);
    let url =
        bucket.presigned_url(&http::Method::GET, "k", Duration::from_mins(1), PresignOptions::default());
    url.expect("others use it");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_wait_at_a_gate() {
    let (server, gate) = (Server::with([]).await, Gate { stuck: true, ..Gate::default() });
    let deadline = Instant::now() + Duration::from_secs(9);
    let bucket = gate.bucket(&server, Dialect::Obs).with_deadline(deadline);
    let error = bucket.delete("k").await.expect_err("late");
    assert_eq!((error.kind(), Instant::now()), (ErrorKind::DeadlineExceeded, deadline));
}

#[tokio::test]
async fn without_a_gate_nothing_is_asked() {
    let server = Server::with([ok()]).await;
    server.bucket(Dialect::Obs).delete("k").await.expect("deleted");
}
