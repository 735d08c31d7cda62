//! One engine, or both of them: the engine that the pipeline and replays use.

use std::sync::Arc;

use oss_lite::Credentials;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::copy::{CopyContext, CopyEngine, Deletes, DestinationView};
use super::fallback::Fallback;
use super::oms::OmsEngine;
use super::{EngineName, Failure, Job, Outcome, OutcomeSender, Outcomes};
use crate::credentials::NoCredentials;
use object_copy::outcome::{Attempt, EngineError, FailureClass};
use object_copy::stop::StopLevel;
use object_copy::transfer::Concern;

/// The engine of a process. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub enum Engine {
    /// OMS alone.
    Oms(OmsEngine),
    /// Copies alone.
    Copy(CopyEngine),
    /// OMS first. It gets at most half of the time; keys that it does not accept, for reasons that do not lie
    /// in the key, are copied. Removals and objects of the web, which OMS cannot forward, and copies that
    /// were begun go to the copy engine at once.
    OmsThenCopy(OmsEngine, CopyEngine),
}

impl Engine {
    /// Submits jobs, which run in the background until `deadline`.
    ///
    /// `context` is that of the invocation or replay ([`Engine::context`]). Without one, jobs that need a
    /// copy fail, since there are no credentials.
    pub fn submit(
        &self,
        jobs: impl IntoIterator<Item = Job>,
        context: Option<&CopyContext>,
        deadline: Instant,
    ) -> Outcomes {
        let (sender, receiver) = mpsc::unbounded_channel();
        let jobs = jobs.into_iter().enumerate();
        match (self, context) {
            (Self::Oms(oms), _) => oms.submit_to(jobs, deadline, &sender),
            (Self::Copy(copy), Some(context)) => copy.submit(jobs, context, deadline, &sender),
            (Self::Copy(_), None) => jobs.for_each(|(index, _)| no_credentials(index, &sender)),
            (Self::OmsThenCopy(oms, copy), Some(context)) => {
                both(oms, copy, jobs, context, deadline, sender);
            }
            (Self::OmsThenCopy(oms, _), None) => {
                let changed = jobs.filter(|(index, job)| {
                    let copies = is_for_copies(job);
                    if copies {
                        no_credentials(*index, &sender);
                    }
                    !copies
                });
                oms.submit_to(changed, deadline, &sender);
            }
        }
        Outcomes::new(receiver)
    }

    /// The part of an invocation or replay that the engine needs: `source` opens the source bucket. `None` if
    /// this engine copies nothing, or without credentials.
    pub fn context(&self, source: Option<&Arc<Credentials>>) -> Option<CopyContext> {
        self.copier()?;
        Some(CopyContext { source: Arc::clone(source?) })
    }

    /// Opens connections, so that the first event does not wait for them. Returns a message for each service
    /// that cannot be reached by `deadline`.
    pub async fn warm(&self, deadline: Instant) -> Vec<String> {
        match self {
            Self::Oms(oms) => oms.warm(deadline).await.into_iter().collect(),
            Self::Copy(copy) => copy.warm(deadline).await,
            Self::OmsThenCopy(oms, copy) => {
                let (oms, mut unreachable) = tokio::join!(oms.warm(deadline), copy.warm(deadline));
                unreachable.extend(oms);
                unreachable
            }
        }
    }

    /// Asks the engines to end early: copies in parts after the parts that are being sent
    /// ([`StopLevel::EndAtParts`]), and everything that was not begun yet ([`StopLevel::BeginNothing`]).
    pub fn stop(&self, level: StopLevel) {
        match self {
            Self::Oms(oms) => oms.stop(level),
            Self::Copy(copy) => copy.stop(level),
            Self::OmsThenCopy(oms, copy) => {
                oms.stop(level);
                copy.stop(level);
            }
        }
    }

    /// Keys in requests to OMS that wait for their reply, and objects that are being copied.
    pub fn under_way(&self) -> usize {
        match self {
            Self::Oms(oms) => oms.under_way(),
            Self::Copy(copy) => copy.under_way(),
            Self::OmsThenCopy(oms, copy) => oms.under_way() + copy.under_way(),
        }
    }

    /// Effort so far: requests to OMS, and objects that the copy engine looked at.
    pub fn requests(&self) -> u64 {
        match self {
            Self::Oms(oms) => oms.requests(),
            Self::Copy(copy) => copy.objects(),
            Self::OmsThenCopy(oms, copy) => oms.requests() + copy.objects(),
        }
    }

    /// Keys that share a request.
    pub fn batch(&self) -> usize {
        match self {
            Self::Oms(oms) | Self::OmsThenCopy(oms, _) => oms.batch(),
            Self::Copy(_) => 1,
        }
    }

    /// The engine that is tried last.
    pub fn last(&self) -> EngineName {
        match self {
            Self::Oms(_) => EngineName::Oms,
            Self::Copy(_) | Self::OmsThenCopy(..) => EngineName::Copy,
        }
    }

    /// Whether removals are carried over.
    pub fn deletes(&self) -> Deletes {
        self.copier().map_or(Deletes::Ignored, CopyEngine::deletes)
    }

    /// Whether a key can take as long as a copy of its object, so that nothing else should wait for it.
    pub fn may_copy(&self) -> bool {
        self.copier().is_some()
    }

    /// Whether the key of a failure is not enough to send it again: a copy depends on the bucket, the URL and
    /// the event of the change, which only its record has.
    pub(crate) fn needs_records(&self) -> bool {
        self.copier().is_some()
    }

    /// Whether an object is read from the URL of its change. OMS reads its own source bucket, whatever the
    /// URL.
    pub fn reads_urls(&self) -> bool {
        self.copier().is_some()
    }

    /// The destination, where this process writes to it, with the credentials of an invocation and until a
    /// deadline.
    pub fn destination(&self, source: &Arc<Credentials>, deadline: Instant) -> Option<DestinationView> {
        Some(self.copier()?.destination(source, deadline))
    }

    /// The source bucket of changes that do not name one, if copies are made and it is set.
    pub fn source_bucket(&self) -> Option<String> {
        self.copier()?.source_bucket().map(str::to_owned)
    }

    /// The copies alone, where OMS comes first.
    pub fn copies_behind_oms(&self) -> Option<Self> {
        match self {
            Self::OmsThenCopy(_, copy) => Some(Self::Copy(copy.clone())),
            Self::Oms(_) | Self::Copy(_) => None,
        }
    }

    fn copier(&self) -> Option<&CopyEngine> {
        match self {
            Self::Oms(_) => None,
            Self::Copy(copy) | Self::OmsThenCopy(_, copy) => Some(copy),
        }
    }
}

fn both(
    oms: &OmsEngine,
    copy: &CopyEngine,
    jobs: impl Iterator<Item = (usize, Job)>,
    context: &CopyContext,
    deadline: Instant,
    sender: OutcomeSender,
) {
    let (own, changed): (Vec<_>, Vec<_>) =
        jobs.partition(|(_, job)| is_for_copies(job) || job.open.is_some());
    if !own.is_empty() {
        copy.submit(own, context, deadline, &sender);
    }
    if changed.is_empty() {
        return;
    }
    let half = halfway(deadline);
    let (first, settled) = mpsc::unbounded_channel();
    oms.submit_to(changed.iter().cloned(), half, &first);
    let waiting = changed.into_iter().collect();
    let (copy, context) = (copy.clone(), context.clone());
    let second = move |jobs: Vec<(usize, Job)>, outcomes: &OutcomeSender| {
        copy.submit(jobs, &context, deadline, outcomes);
    };
    tokio::spawn(Fallback::new(waiting, second, sender).run(Outcomes::new(settled), half));
}

fn halfway(deadline: Instant) -> Instant {
    let now = Instant::now();
    now + deadline.saturating_duration_since(now) / 2
}

/// OMS can forward neither removals nor objects outside of its bucket. (It cannot go on with an upload that
/// an earlier copy left open either, but it does not need to.)
fn is_for_copies(job: &Job) -> bool {
    job.copies_only || job.is_removal() || job.change.url.is_some()
}

fn no_credentials(index: usize, outcomes: &OutcomeSender) {
    let failure = Failure {
        engine: EngineName::Copy,
        class: FailureClass::Auth,
        error: EngineError::local(NoCredentials.to_string()),
        request_id: None,
        attempt: Attempt::NotMade,
        open: None,
        concern: Concern::Credentials,
        request: None,
        unreached: None,
    };
    // The receiver is given away only after this.
    let _ = outcomes.send((index, Outcome::Failed(failure)));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use oss_lite::{Client, ClientConfig, Dialect};

    use super::*;
    use crate::engine::copy::CopyConfig;
    use crate::engine::oms::OmsConfig;
    use crate::oms::SyncUrl;
    use http_client::{self, Proxies};
    use object_copy::clock;
    use object_copy::transfer::Unmarked;
    #[cfg(feature = "aws")]
    use object_copy::transfer::{S3, S3Options};
    use object_events::change::{EventName, ObjectChange};
    use signature_breaker::Breakers;

    /// Nothing listens on port 1.
    const NOWHERE: &str = "http://127.0.0.1:1";

    fn copier(deletes: Deletes) -> CopyEngine {
        let http = http_client::build(Proxies::None).unwrap();
        let client = || {
            let config = ClientConfig::new(NOWHERE.parse().unwrap(), Dialect::Obs);
            Client::new(http.clone(), config).unwrap()
        };
        CopyEngine::new(CopyConfig {
            source: client(),
            source_bucket: None,
            only_source: None,
            web: None,
            #[cfg(feature = "aws")]
            s3: S3::new(http.clone(), S3Options::default()),
            #[cfg(not(feature = "aws"))]
            without_s3: String::new(),
            destination: client(),
            bucket: "mirror".parse().unwrap(),
            prefix: String::new(),
            credentials: None,
            deletes,
            unmarked: Unmarked::Kept,
            clock: clock::system,
            in_flight: 1,
            random: || 0.0,
        })
    }

    fn oms() -> OmsEngine {
        let credentials = apig_signer::Credentials::new("AK", "SK");
        let config = OmsConfig {
            target: SyncUrl::parse(&format!("{NOWHERE}/v2/p/sync-tasks/t/events")).unwrap(),
            credentials: credentials.clone(),
            breaker: Breakers::new(clock::system).of_oms(&credentials),
            batch: 10,
            max_rps: None,
            in_flight: 1,
            clock: clock::system,
            random: || 0.0,
        };
        OmsEngine::new(http_client::build(Proxies::None).unwrap(), config)
    }

    fn job(key: &str, event: &str) -> Job {
        let event = EventName::new(event.to_owned());
        Job::new(Arc::new(ObjectChange { event, ..ObjectChange::of_key(key) }))
    }

    async fn failures(mut outcomes: Outcomes) -> Vec<(usize, EngineName, FailureClass)> {
        let mut failures = Vec::new();
        while let Some((index, outcome)) = outcomes.next().await {
            let Outcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
            failures.push((index, failure.engine, failure.class));
        }
        failures.sort_unstable_by_key(|(index, ..)| *index);
        failures
    }

    #[tokio::test]
    async fn without_credentials_what_needs_a_copy_fails_and_oms_is_still_tried() {
        let deadline = Instant::now() + Duration::from_secs(20);
        let jobs = [job("a", "ObjectRemoved:DeleteObject"), job("b", "ObjectCreated:PutObject")];
        let refused = |index| (index, EngineName::Copy, FailureClass::Auth);
        let copy = Engine::Copy(copier(Deletes::Ignored));
        assert_eq!(failures(copy.submit(jobs.clone(), None, deadline)).await, [refused(0), refused(1)]);
        let both = Engine::OmsThenCopy(oms(), copier(Deletes::Ignored));
        let expected = [refused(0), (1, EngineName::Oms, FailureClass::Transient)];
        assert_eq!(failures(both.submit(jobs, None, deadline)).await, expected);
    }

    #[test]
    fn only_copies_bring_credentials_along() {
        let source = Arc::new(Credentials::new("id", "secret"));
        assert!(Engine::Oms(oms()).context(Some(&source)).is_none());
        let copy = Engine::Copy(copier(Deletes::Propagated { max: 3 }));
        assert!(copy.context(None).is_none());
        assert_eq!(copy.context(Some(&source)).unwrap().source.access_key_id(), "id");
        assert_eq!(copy.deletes(), Deletes::Propagated { max: 3 });
    }

    #[tokio::test(start_paused = true)]
    async fn oms_gets_half_of_the_time() {
        let deadline = Instant::now() + Duration::from_mins(1);
        assert_eq!(deadline - halfway(deadline), Duration::from_secs(30));
    }
}
