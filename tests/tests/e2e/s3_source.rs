//! Objects of Amazon S3 as a source, on a server that has a clock of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use bytes::Bytes;
use chrono::{NaiveDateTime, TimeDelta, Utc};
use e2e::OmsBridge;
use e2e::web::{WebReply, WebRequest, WebServer};

const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// How far Amazon lets a signature be off.
const TOLERATED: TimeDelta = TimeDelta::minutes(15);

/// Reads objects that hold their keys, and refuses signatures of another time than its own.
struct Site {
    ahead: AtomicI64,
    refused: AtomicUsize,
    read: AtomicUsize,
}

impl Site {
    fn answer(&self, request: &WebRequest) -> WebReply {
        let now = Utc::now() + TimeDelta::minutes(self.ahead.load(Ordering::Relaxed));
        let signed = request.header("x-amz-date").unwrap_or_default();
        let signed = NaiveDateTime::parse_from_str(signed, "%Y%m%dT%H%M%SZ").unwrap().and_utc();
        let reply = if (signed - now).abs() > TOLERATED {
            self.refused.fetch_add(1, Ordering::Relaxed);
            let error = "<Error><Code>RequestTimeTooSkewed</Code><Message>as the test says</Message></Error>";
            WebReply::refused(403, &Bytes::from(error))
        } else if request.target.contains("list-type=2") {
            let object = |key: &&str| format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>");
            let objects = KEYS.iter().map(object).collect::<String>();
            let listing =
                format!("<ListBucketResult><IsTruncated>false</IsTruncated>{objects}</ListBucketResult>");
            WebReply::whole(&Bytes::from(listing))
        } else {
            // Half way through somebody mends the clock.
            if request.method == "GET" && self.read.fetch_add(1, Ordering::Relaxed) == KEYS.len() / 2 {
                self.ahead.store(0, Ordering::Relaxed);
            }
            let key = request.target.rsplit('/').next().unwrap().to_owned();
            WebReply::file(request, &Bytes::from(key.clone())).header("etag", format!("\"{key}\""))
        };
        reply.header("date", now.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
    }
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_and_a_mended_one_is_believed_again() {
    for minutes in [-300, 300] {
        let site = Arc::new(Site {
            ahead: AtomicI64::new(minutes),
            refused: AtomicUsize::default(),
            read: AtomicUsize::default(),
        });
        let answering = Arc::clone(&site);
        let server = WebServer::start(move |request| answering.answer(request)).await;
        let folder = tempfile::tempdir().unwrap();
        let settings = server.s3();
        let destination = folder.path().to_str().unwrap().to_owned() + "/";
        let finished =
            OmsBridge::new(["copy", "-r", "s3://photos/", &destination]).settings(settings).run().await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        for key in KEYS {
            assert_eq!(std::fs::read_to_string(folder.path().join(key)).unwrap(), key);
        }
        assert!(site.refused.load(Ordering::Relaxed) >= 2, "{finished:?}");
    }
}
