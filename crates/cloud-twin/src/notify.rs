//! Bucket notifications: which changes raise an event, and the event as OSS words it.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::Uri;
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;

use crate::dialect::Dialect;
use crate::object::StoredObject;

/// A change of an OSS bucket that can raise an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    PutObject,
    PostObject,
    AppendObject,
    CopyObject,
    CompleteMultipartUpload,
    PutSymlink,
    DeleteObject,
    DeleteObjects,
}

impl Change {
    const fn event_name(self) -> &'static str {
        match self {
            Self::PutObject => "ObjectCreated:PutObject",
            Self::PostObject => "ObjectCreated:PostObject",
            Self::AppendObject => "ObjectCreated:AppendObject",
            Self::CopyObject => "ObjectCreated:CopyObject",
            Self::PutSymlink => "ObjectCreated:PutSymlink",
            Self::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            Self::DeleteObject => "ObjectRemoved:DeleteObject",
            Self::DeleteObjects => "ObjectRemoved:DeleteObjects",
        }
    }

    const fn removes(self) -> bool {
        matches!(self, Self::DeleteObject | Self::DeleteObjects)
    }
}

/// A rule on an OSS bucket: changes that it covers invoke a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// OSS bucket watched.
    pub bucket: String,
    /// Where the function listens; `/invoke` is added. Plain HTTP.
    pub function_url: String,
    /// Event names as in a trigger, `oss:` optional, `*` at the end allowed (`oss:ObjectRemoved:*`).
    #[serde(default = "created_events")]
    pub events: Vec<String>,
    /// Only keys that begin so.
    #[serde(default)]
    pub prefix: String,
    /// Only keys that end so.
    #[serde(default)]
    pub suffix: String,
}

fn created_events() -> Vec<String> {
    ["PutObject", "PostObject", "CopyObject", "CompleteMultipartUpload", "AppendObject", "PutSymlink"]
        .map(|name| format!("oss:ObjectCreated:{name}"))
        .to_vec()
}

impl Notification {
    /// Every creation or overwrite of an object in `bucket` invokes the function at `function_url`.
    pub fn new(bucket: impl Into<String>, function_url: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            function_url: function_url.into(),
            events: created_events(),
            prefix: String::new(),
            suffix: String::new(),
        }
    }

    /// Replaces the event names.
    #[must_use]
    pub fn events(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.events = names.into_iter().map(Into::into).collect();
        self
    }

    fn covers(&self, bucket: &str, key: &str, event_name: &str) -> bool {
        let named = |pattern: &String| {
            let pattern = pattern.strip_prefix("oss:").unwrap_or(pattern);
            pattern == event_name
                || pattern.strip_suffix('*').is_some_and(|start| event_name.starts_with(start))
        };
        self.bucket == bucket
            && key.starts_with(&self.prefix)
            && key.ends_with(&self.suffix)
            && self.events.iter().any(named)
    }
}

/// An event on its way to a function.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) function: Uri,
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) request_id: String,
    pub(crate) payload: Bytes,
}

/// An event whose function failed in every try, as the failure destination receives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedDelivery {
    /// Id that all invocations carried in `x-fc-request-id`.
    pub request_id: String,
    /// Function that failed.
    pub function_url: String,
    /// Bucket of the event.
    pub bucket: String,
    /// Key of the event.
    pub key: String,
    /// Invocations made.
    pub attempts: u32,
    /// Status of the last answer (`x-fc-status` where given); absent when none came.
    pub status: Option<u16>,
    /// Body of the last answer, or why none came.
    pub response: String,
    /// The event.
    pub payload: String,
}

/// A function URL that is not an absolute one of plain HTTP. User action: give `http://host:port`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("function url {0:?} is not of the form http://host:port")]
pub struct InvalidFunctionUrl(String);

#[derive(Debug)]
pub(crate) struct Notifications {
    rules: RwLock<Vec<(Notification, Uri)>>,
    queue: mpsc::UnboundedSender<Delivery>,
    pub(crate) pending: AtomicUsize,
    pub(crate) failed: Mutex<Vec<FailedDelivery>>,
}

impl Notifications {
    pub(crate) fn new(queue: mpsc::UnboundedSender<Delivery>) -> Self {
        Self { rules: RwLock::default(), queue, pending: AtomicUsize::new(0), failed: Mutex::default() }
    }

    pub(crate) fn add(&self, rule: Notification) -> Result<(), InvalidFunctionUrl> {
        let url = format!("{}/invoke", rule.function_url.trim_end_matches('/'));
        let uri =
            url.parse::<Uri>().ok().filter(|uri| uri.scheme_str() == Some("http") && uri.host().is_some());
        let uri = uri.ok_or_else(|| InvalidFunctionUrl(rule.function_url.clone()))?;
        self.rules.write().push((rule, uri));
        Ok(())
    }

    /// The functions that a change of an object invokes.
    pub(crate) fn functions(&self, change: Change, bucket: &str, key: &str) -> Vec<Uri> {
        let rules = self.rules.read();
        let covering = rules.iter().filter(|(rule, _)| rule.covers(bucket, key, change.event_name()));
        covering.map(|(_, uri)| uri.clone()).collect()
    }

    pub(crate) fn queue(&self, delivery: Delivery) {
        self.pending.fetch_add(1, Ordering::SeqCst);
        if self.queue.send(delivery).is_err() {
            // The twin is shutting down.
            self.pending.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// What a bucket event says.
#[derive(Debug)]
pub(crate) struct BucketEvent<'a> {
    pub(crate) change: Change,
    pub(crate) time: DateTime<Utc>,
    pub(crate) region: &'a str,
    /// Owner of the bucket, who also made the request.
    pub(crate) account: &'a str,
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    pub(crate) object: &'a StoredObject,
    /// Size of the object that was there before.
    pub(crate) replaced: Option<u64>,
    pub(crate) request_id: &'a str,
}

impl BucketEvent<'_> {
    /// The native event, see
    /// <https://www.alibabacloud.com/help/en/functioncompute/fc/formats-of-event-for-different-triggers-1>.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let Self { change, region, account, bucket, key, object, request_id, .. } = self;
        let length = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let (new, old) = (length(object.body.len()), length(self.replaced.unwrap_or_default()));
        let delta = if change.removes() { -old } else { new - old };
        let content_type = object.headers.content_type.as_ref().and_then(|value| value.to_str().ok());
        json!({"events": [{
            "eventName": change.event_name(),
            "eventSource": "acs:oss",
            "eventTime": Dialect::Oss.time(self.time),
            "eventVersion": "1.0",
            "oss": {
                "bucket": {
                    "arn": format!("acs:oss:{region}:{account}:{bucket}"),
                    "name": bucket,
                    "ownerIdentity": account,
                    "virtualBucket": "",
                },
                "object": {
                    "deltaSize": delta,
                    "eTag": object.etag,
                    "key": key,
                    "objectMeta": {"mimeType": content_type.unwrap_or("application/octet-stream")},
                    "size": new,
                },
                "ossSchemaVersion": "1.0",
                "ruleId": "7c5a5ccfb06114a4d1ea8867e3916eb543d84e7c",
            },
            "region": region,
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {"requestId": request_id},
            "userIdentity": {"principalId": account},
        }]})
    }
}
