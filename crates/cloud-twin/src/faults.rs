//! Faults to order: what should go wrong, where, how often.

mod response;

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::HeaderMap;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

pub use self::response::FaultResponse;

use crate::service::Service;

/// Names an injected fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultId(pub u64);

/// One rule: which requests fail, how, how often. Every condition that is set must hold.
///
/// ```
/// use cloud_twin::{Fault, FaultResponse, Service};
///
/// let throttled = Fault::respond(Service::Oms, FaultResponse::oms_throttled(20, "1 minute")).times(2);
/// let no_journal = Fault::respond(Service::Oss, FaultResponse::oss_unavailable())
///     .method("PUT")
///     .key_contains("failed_object")
///     .probability(0.5);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Service whose requests fail.
    pub service: Service,
    /// HTTP method; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Text that the raw path with its query must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Text that the decoded object key must contain; at OMS, that some key of the batch must contain. A form
    /// that a browser posts has its key in the body, where only the faults of callbacks know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Header and a text that its value must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<(String, String)>,
    /// What happens.
    pub action: FaultAction,
    /// Share of the matching requests that fail, 0 to 1.
    #[serde(default = "always")]
    pub probability: f64,
    /// How many matching requests pass before the rule takes effect; none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<u64>,
    /// How many requests fail before the rule is spent; unlimited when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

fn always() -> f64 {
    1.0
}

/// How a request fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultAction {
    /// Answers instead of doing the work.
    Respond(FaultResponse),
    /// Answers instead of the service, as a proxy on the way to it does: without the service's headers
    /// (request id, `Server`) and, where the answer has none of its own, without a body. The request does not
    /// count.
    RespondAsProxy(FaultResponse),
    /// Does the work, then answers something else: success that looks like a failure.
    RespondAfterWork(FaultResponse),
    /// Does the work after a while.
    Delay {
        /// Milliseconds to wait.
        millis: u64,
    },
    /// Resets the connection before the body is read; nothing is done.
    ResetBeforeReading,
    /// Does the work and resets the connection after half of the response.
    ResetMidResponse,
    /// Never answers.
    Hang,
    /// Does the work once the fault is lifted.
    Hold,
    /// Does the work; one bit in the middle of the answer's body is wrong, its headers are not.
    CorruptResponse,
    /// One bit in the middle of the request's body goes wrong before the work.
    CorruptRequest,
    /// Does the work; only the first half of the answer's body comes, and `Content-Length` says so. Other
    /// headers (`Content-Range`, checksums) are those of the whole.
    TruncateResponse,
    /// Does the work as if no `Range` was asked for (OSS, OBS).
    IgnoreRange,
    /// Resets the connection once about half of the announced body was read; nothing is done.
    ResetMidRequest,
    /// Before the work, gives the object a new content, time and `ETag`, without a bucket event (OSS, OBS).
    /// The object is the source of a copy, else the one addressed; it need not be there, its bucket must.
    ReplaceFirst {
        /// The new content.
        body: String,
    },
    /// Before the work, removes the object that [`FaultAction::ReplaceFirst`] would replace.
    RemoveFirst,
    /// The upload is stored, its callback is never made, and the uploader gets `203 CallbackFailed`.
    ///
    /// This and the other two of callbacks strike when the callback is due, so that an upload can meet a
    /// fault of the request besides ([`FaultAction::ResetMidResponse`]: all is done, and the uploader does
    /// not get to know). Only uploads with a callback count as matching, and their key is known even where it
    /// came in a form.
    LoseCallback,
    /// The callback is made twice; the second answer is the one that goes to the uploader.
    RepeatCallback,
    /// The callback is made after a while, for which nothing goes to the uploader.
    DelayCallback {
        /// Milliseconds to wait.
        millis: u64,
    },
    /// OMS has taken the key and does not copy its object, in a sync task or a migration task. Strikes when
    /// the copy is due; method, path and headers are empty then.
    FailCopy {
        /// What OMS gives as the reason.
        reason: String,
    },
}

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Request,
    Callback,
    Copy,
}

impl FaultAction {
    /// A [`FaultAction::Delay`] of `delay`, in whole milliseconds.
    pub fn delay(delay: Duration) -> Self {
        Self::Delay { millis: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX) }
    }

    /// A [`FaultAction::DelayCallback`] of `delay`, in whole milliseconds.
    pub fn delay_callback(delay: Duration) -> Self {
        Self::DelayCallback { millis: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX) }
    }

    const fn stage(&self) -> Stage {
        match self {
            Self::LoseCallback | Self::RepeatCallback | Self::DelayCallback { .. } => Stage::Callback,
            Self::FailCopy { .. } => Stage::Copy,
            _ => Stage::Request,
        }
    }
}

impl Fault {
    /// Every request to `service` meets `action`, for good.
    pub fn new(service: Service, action: FaultAction) -> Self {
        Self {
            service,
            method: None,
            path: None,
            key: None,
            header: None,
            action,
            probability: 1.0,
            skip: None,
            count: None,
        }
    }

    /// Every request to `service` is answered with `response`, for good.
    pub fn respond(service: Service, response: FaultResponse) -> Self {
        Self::new(service, FaultAction::Respond(response))
    }

    /// OMS refuses every batch with a key that contains `key` with `400 OMS.0064`.
    pub fn poison_key(key: impl Into<String>) -> Self {
        Self::respond(Service::Oms, FaultResponse::oms_invalid()).method("POST").key_contains(key)
    }

    /// OMS takes every key that contains `key` and copies none of their objects.
    pub fn fail_copy(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(Service::Oms, FaultAction::FailCopy { reason: reason.into() }).key_contains(key)
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Only requests whose raw path and query contain `text`.
    #[must_use]
    pub fn path_contains(mut self, text: impl Into<String>) -> Self {
        self.path = Some(text.into());
        self
    }

    /// Only requests for keys that contain `text`.
    #[must_use]
    pub fn key_contains(mut self, text: impl Into<String>) -> Self {
        self.key = Some(text.into());
        self
    }

    /// Only requests whose header `name` contains `text`, as in `.header_contains("range", "bytes=0-")`.
    #[must_use]
    pub fn header_contains(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.header = Some((name.into(), text.into()));
        self
    }

    /// Not the first `count` matching requests.
    #[must_use]
    pub fn after(mut self, count: u64) -> Self {
        self.skip = Some(count);
        self
    }

    /// Only this share of the matching requests, 0 to 1.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    /// Only the next `count` matching requests.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    fn matches(&self, probe: &Probe<'_>) -> bool {
        self.service == probe.service
            && self.action.stage() == probe.stage
            && self.method.as_deref().is_none_or(|method| method.eq_ignore_ascii_case(probe.method))
            && self.path.as_deref().is_none_or(|text| probe.path.contains(text))
            && self.key.as_deref().is_none_or(|text| probe.keys.iter().any(|key| key.contains(text)))
            && self.header.as_ref().is_none_or(|(name, text)| probe.header_contains(name, text))
    }
}

/// What of a request decides whether a fault applies.
pub(crate) struct Probe<'a> {
    pub(crate) stage: Stage,
    pub(crate) service: Service,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) keys: &'a [String],
    pub(crate) headers: &'a HeaderMap,
}

impl Probe<'_> {
    fn header_contains(&self, name: &str, text: &str) -> bool {
        let values = self.headers.get_all(name).iter();
        values.into_iter().any(|value| String::from_utf8_lossy(value.as_bytes()).contains(text))
    }
}

/// The faults in force, looked through in the order of injection; the first that applies wins.
#[derive(Debug)]
pub struct Faults {
    rules: Mutex<Rules>,
    in_force: AtomicUsize,
    /// Wakes what is held.
    lifted: Notify,
}

#[derive(Debug)]
struct Rules {
    list: Vec<ActiveFault>,
    next: u64,
    dice: fastrand::Rng,
}

#[derive(Debug)]
struct ActiveFault {
    id: FaultId,
    fault: Fault,
    hits: u64,
    passed: u64,
}

impl ActiveFault {
    fn is_spent(&self) -> bool {
        self.fault.count.is_some_and(|count| self.hits >= count)
    }

    /// Counts a matching request; whether it is past those to let through.
    fn is_due(&mut self) -> bool {
        let due = self.fault.skip.is_none_or(|skip| self.passed >= skip);
        self.passed += u64::from(!due);
        due
    }
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        let rules = Rules { list: Vec::new(), next: 1, dice: fastrand::Rng::with_seed(seed) };
        Self { rules: Mutex::new(rules), in_force: AtomicUsize::new(0), lifted: Notify::new() }
    }

    /// Puts a fault in force.
    pub fn inject(&self, fault: Fault) -> FaultId {
        let mut rules = self.rules.lock();
        let id = FaultId(rules.next);
        rules.next += 1;
        rules.list.push(ActiveFault { id, fault, hits: 0, passed: 0 });
        self.in_force.store(rules.list.len(), Ordering::Release);
        id
    }

    /// Lifts a fault; `false` when there is none with that id.
    pub fn clear(&self, id: FaultId) -> bool {
        let mut rules = self.rules.lock();
        let before = rules.list.len();
        rules.list.retain(|rule| rule.id != id);
        self.in_force.store(rules.list.len(), Ordering::Release);
        self.lifted.notify_waiters();
        rules.list.len() < before
    }

    /// Lifts every fault.
    pub fn clear_all(&self) {
        self.rules.lock().list.clear();
        self.in_force.store(0, Ordering::Release);
        self.lifted.notify_waiters();
    }

    /// How many requests a fault has hit; 0 when there is none with that id.
    pub fn hits(&self, id: FaultId) -> u64 {
        self.rules.lock().list.iter().find(|rule| rule.id == id).map_or(0, |rule| rule.hits)
    }

    /// The faults in force or spent, with their hits.
    pub fn list(&self) -> Vec<(FaultId, Fault, u64)> {
        self.rules.lock().list.iter().map(|rule| (rule.id, rule.fault.clone(), rule.hits)).collect()
    }

    /// Whether any rule is there, so that requests can skip preparing a probe.
    pub(crate) fn is_empty(&self) -> bool {
        self.in_force.load(Ordering::Acquire) == 0
    }

    /// Returns once the fault is lifted.
    pub(crate) async fn lifted(&self, id: FaultId) {
        loop {
            // Registered before the rules are looked at, so that no change in between is missed.
            let mut lifted = pin!(self.lifted.notified());
            lifted.as_mut().enable();
            if !self.rules.lock().list.iter().any(|rule| rule.id == id) {
                return;
            }
            lifted.await;
        }
    }

    pub(crate) fn pick(&self, probe: &Probe<'_>) -> Option<(FaultId, FaultAction)> {
        if self.is_empty() {
            return None;
        }
        let Rules { list, dice, .. } = &mut *self.rules.lock();
        let applies = |rule: &mut ActiveFault, dice: &mut fastrand::Rng| {
            !rule.is_spent()
                && rule.fault.matches(probe)
                && rule.is_due()
                && dice.f64() < rule.fault.probability
        };
        let at = list.iter_mut().position(|rule| applies(rule, dice))?;
        let rule = list.get_mut(at)?;
        rule.hits += 1;
        Some((rule.id, rule.fault.action.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(faults: &Faults, method: &str, path: &str, keys: &[&str]) -> bool {
        let keys: Vec<_> = keys.iter().map(|&key| key.to_owned()).collect();
        let headers = HeaderMap::from_iter([(http::header::RANGE, "bytes=0-9".parse().unwrap())]);
        let (stage, service) = (Stage::Request, Service::Oss);
        faults.pick(&Probe { stage, service, method, path, keys: &keys, headers: &headers }).is_some()
    }

    #[test]
    fn every_condition_must_hold() {
        let faults = Faults::new(1);
        let fault = Fault::new(Service::Oss, FaultAction::Hang);
        let id = faults.inject(fault.method("PUT").path_contains("acl").key_contains("bad"));
        assert!(hit(&faults, "PUT", "/b/x?acl", &["good", "a-bad-one"]));
        assert!(!hit(&faults, "GET", "/b/x?acl", &["bad"]));
        assert!(!hit(&faults, "PUT", "/b/x", &["bad"]));
        assert!(!hit(&faults, "PUT", "/b/x?acl", &["good"]));
        assert_eq!(faults.hits(id), 1);
    }

    #[test]
    fn a_counted_fault_is_spent_and_the_next_rule_takes_over() {
        let faults = Faults::new(1);
        let first = faults.inject(Fault::new(Service::Oss, FaultAction::Hang).times(2));
        let second = faults.inject(Fault::new(Service::Oss, FaultAction::Hang));
        for _ in 0..3 {
            assert!(hit(&faults, "GET", "/", &[]));
        }
        assert_eq!((faults.hits(first), faults.hits(second)), (2, 1));
        assert!(faults.clear(second) && !faults.clear(second));
        assert!(!hit(&faults, "GET", "/", &[]));
    }

    #[test]
    fn a_rule_lets_the_first_requests_pass_and_looks_at_headers() {
        let faults = Faults::new(1);
        let fault = || Fault::new(Service::Oss, FaultAction::Hang);
        faults.inject(fault().header_contains("range", "bytes=5-"));
        faults.inject(fault().header_contains("Range", "bytes=0-").method("GET").after(2).times(1));
        let hits: Vec<_> =
            ["GET", "PUT", "GET", "GET", "GET"].map(|method| hit(&faults, method, "/", &[])).into();
        assert_eq!(hits, [false, false, false, true, false]);
    }

    #[test]
    fn the_same_seed_throws_the_same_dice() {
        let run = |seed| {
            let faults = Faults::new(seed);
            faults.inject(Fault::new(Service::Oss, FaultAction::Hang).probability(0.5));
            (0..64).map(|_| hit(&faults, "GET", "/", &[])).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let hits = run(7).into_iter().filter(|&hit| hit).count();
        assert!((16..=48).contains(&hits), "{hits} of 64");
    }
}
