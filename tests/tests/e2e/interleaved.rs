//! Events, replays, timers, kills and outages of every service, interleaved at random on one journal. Whatever happened: once
//! everything has recovered, each key's last change was forwarded, and no failed record is left.
//!
//! `INTERLEAVED_SEED=n` runs that seed alone, `INTERLEAVED_SEEDS=n` as many; a failure names its seed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use cloud_twin::{Fault, FaultAction, FaultResponse, ManualClock, Service, Twin};
use e2e::cloud::{LOGS, SOURCE, http_client};
use e2e::process::Process;
use e2e::{Cloud, Function, OmsBridge, Settings, Shelf, event};
use fastrand::Rng;
use reqwest::header::HeaderValue;
use reqwest::{Method, Request};
use tokio::task::JoinSet;

/// Few, so that everybody works on the same ones.
const KEYS: [&str; 3] = ["a", "a!", "b/c"];

const STEPS: usize = 50;

/// An event that the platform keeps until the function has answered for it.
type Event = String;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Oms,
    Copy,
    Both,
}

struct World {
    seed: u64,
    mode: Mode,
    cloud: Arc<Cloud>,
    clock: ManualClock,
    rng: Rng,
    function: Function,
    /// Content of the source, as it should be at the destination in the end.
    model: BTreeMap<&'static str, Option<String>>,
    /// How often OMS had accepted each key when it changed last.
    accepted: BTreeMap<&'static str, u64>,
    version: u32,
    /// Invocations under way. Each gives its event back, if it was not answered for.
    deliveries: JoinSet<Option<Event>>,
    undelivered: Vec<Event>,
    replays: Vec<Process>,
}

impl World {
    async fn new(seed: u64) -> Self {
        let clock = ManualClock::new(Utc::now() - TimeDelta::minutes(2));
        let cloud = Arc::new(Cloud::with(Twin::builder().seed(seed).clock(clock.clone())).await);
        let mode = [Mode::Oms, Mode::Copy, Mode::Both][usize::try_from(seed % 3).unwrap()];
        let function = Function::with(settings(&cloud, mode)).timeout(5).start().await;
        Self {
            seed,
            mode,
            cloud,
            clock,
            rng: Rng::with_seed(seed),
            function,
            model: BTreeMap::new(),
            accepted: BTreeMap::new(),
            version: 0,
            deliveries: JoinSet::new(),
            undelivered: Vec::new(),
            replays: Vec::new(),
        }
    }

    async fn step(&mut self) {
        match self.rng.u32(..100) {
            0..35 => self.change(),
            35..45 if self.mode != Mode::Oms => self.remove(),
            45..50 => self.fault(),
            50..56 => self.slow(),
            56..65 => self.replays.push(Process::spawn(&["replay".to_owned()], &self.settings())),
            65..70 => self.deliver(timer()),
            70..76 => self.restart().await,
            76..80 => {
                if let Some(mut replay) = self.replays.pop() {
                    replay.signal("KILL").await;
                    replay.wait().await;
                }
            }
            80..88 => self.redeliver(),
            88..92 => self.cloud.twin.faults().clear_all(),
            92..95 => self.clock.advance(TimeDelta::seconds(4)),
            95..97 => self.mark(),
            _ => self.answered().await,
        }
    }

    fn settings(&self) -> Settings {
        settings(&self.cloud, self.mode)
    }

    fn change(&mut self) {
        let key = *self.rng.choice(KEYS.iter()).unwrap();
        self.change_of(key);
    }

    fn change_of(&mut self, key: &'static str) {
        self.version += 1;
        let content = format!("{key} {}", self.version);
        self.cloud.twin.oss().put(SOURCE, key, content.clone());
        self.model.insert(key, Some(content));
        self.accepted.insert(key, self.cloud.twin.accepted_count(key));
        self.deliver(event::of([event::element(SOURCE, "ObjectCreated:PutObject", key)]));
    }

    /// The vendor's function runs beside this one, and fails.
    fn mark(&mut self) {
        let key = *self.rng.choice(KEYS.iter()).unwrap();
        let records = if self.mode == Mode::Copy { self.cloud.copy_records() } else { self.cloud.records() };
        self.cloud.twin.oss().put(LOGS, &records.name(Shelf::Failed, key), "");
    }

    fn remove(&mut self) {
        let key = *self.rng.choice(KEYS.iter()).unwrap();
        self.cloud.twin.oss().delete(SOURCE, key);
        self.model.insert(key, None);
        self.deliver(event::of([event::element(SOURCE, "ObjectRemoved:DeleteObject", key)]));
    }

    /// Somebody is slow in the middle of a work that has several steps.
    fn slow(&mut self) {
        let delay = FaultAction::delay(Duration::from_millis(self.rng.u64(20..250)));
        let fault = |service| Fault::new(service, delay.clone());
        let fault = match self.rng.u32(..5) {
            0 => fault(Service::Oss).method("PUT").key_contains("success_object"),
            1 => fault(Service::Oss).method("PUT").key_contains("failed_object"),
            2 => fault(Service::Oss).method("POST").path_contains("delete"),
            3 => fault(Service::Oms),
            _ => fault(Service::Obs),
        };
        self.cloud.twin.faults().inject(fault.times(self.rng.u64(1..8)));
    }

    fn fault(&mut self) {
        let service = *self.rng.choice([Service::Oss, Service::Obs, Service::Oms].iter()).unwrap();
        let action = match self.rng.u32(..7) {
            0 => FaultAction::Respond(FaultResponse::error(503, "ServiceUnavailable", "later")),
            1 => FaultAction::RespondAfterWork(FaultResponse::error(500, "InternalError", "done, though")),
            2 => FaultAction::Respond(FaultResponse::error(403, "AccessDenied", "no")),
            3 => FaultAction::delay(Duration::from_millis(self.rng.u64(1..60))),
            4 => FaultAction::ResetBeforeReading,
            5 => FaultAction::ResetMidResponse,
            _ => FaultAction::Respond(FaultResponse::error(429, "TooManyRequests", "slow down")),
        };
        let mut fault = Fault::new(service, action).times(self.rng.u64(1..25));
        if self.rng.bool() {
            fault = fault.probability(0.5);
        }
        if self.rng.bool() {
            fault = fault.method(*self.rng.choice(["PUT", "GET", "HEAD", "POST", "DELETE"].iter()).unwrap());
        }
        self.cloud.twin.faults().inject(fault);
    }

    /// The last changes of all keys fail while somebody else is stopped in the middle of forwarding the ones before: no later event
    /// hides it if their failures are lost.
    async fn last_changes(&mut self) {
        self.cloud.twin.faults().clear_all();
        self.answered().await;
        let replays = self.rng.bool();
        if replays {
            // Something for it to do.
            self.outage();
            self.change_all();
            self.answered().await;
            self.cloud.twin.faults().clear_all();
        }
        let held = Fault::new(Service::Oss, FaultAction::Hold);
        let held = match self.rng.u32(..5) {
            0..2 => held.method("PUT").key_contains("success_object"),
            2..4 => held.method("POST").path_contains("delete"),
            _ => Fault::new(Service::Oms, FaultAction::Hold).times(1),
        };
        let held = self.cloud.twin.faults().inject(held);
        if replays {
            self.replays.push(Process::spawn(&["replay".to_owned()], &self.settings()));
        } else {
            self.change_all();
        }
        self.soon(|twin| twin.faults().hits(held) > 0).await;
        self.outage();
        let failed =
            |twin: &Twin| twin.oss().keys(LOGS).iter().filter(|name| name.contains("failed_object")).count();
        let before = failed(&self.cloud.twin);
        self.change_all();
        self.soon(|twin| failed(twin) >= before + KEYS.len()).await;
        self.clock.advance(TimeDelta::seconds(self.rng.i64(1..8)));
        self.cloud.twin.faults().clear(held);
        self.answered().await;
    }

    fn change_all(&mut self) {
        for key in KEYS {
            self.change_of(key);
        }
    }

    fn outage(&self) {
        for service in [Service::Oms, Service::Obs] {
            let down = FaultResponse::error(403, "AccessDenied", "no");
            self.cloud.twin.faults().inject(Fault::respond(service, down));
        }
    }

    /// Waits for what comes to be in most interleavings, but need not.
    async fn soon(&self, condition: impl Fn(&Twin) -> bool) {
        let _ = tokio::time::timeout(Duration::from_millis(300), self.cloud.twin.wait_until(condition)).await;
    }

    /// The instance dies; what it had under way is delivered again.
    async fn restart(&mut self) {
        let next = Function::with(self.settings()).timeout(5).start().await;
        std::mem::replace(&mut self.function, next).kill().await;
    }

    fn deliver(&mut self, event: Event) {
        let url = format!("{}/invoke", self.function.url());
        self.deliveries.spawn(async move {
            let mut request = Request::new(Method::POST, url.parse().unwrap());
            request.headers_mut().insert("x-fc-control-path", HeaderValue::from_static("/invoke"));
            *request.body_mut() = Some(Bytes::from(event.clone()).into());
            let answer = http_client().execute(request).await;
            answer.is_ok_and(|answer| answer.status() == 200).then_some(()).map_or(Some(event), |()| None)
        });
    }

    fn redeliver(&mut self) {
        for event in std::mem::take(&mut self.undelivered) {
            self.deliver(event);
        }
    }

    /// Waits for all answers.
    async fn answered(&mut self) {
        while let Some(delivery) = self.deliveries.join_next().await {
            self.undelivered.extend(delivery.unwrap());
        }
    }

    /// Everything works again.
    async fn recover(&mut self) {
        self.cloud.twin.faults().clear_all();
        for mut replay in std::mem::take(&mut self.replays) {
            replay.wait().await;
        }
        self.answered().await;
        for _ in 0..10 {
            self.redeliver();
            self.answered().await;
            if self.undelivered.is_empty() {
                break;
            }
        }
        assert_eq!(self.undelivered, [""; 0], "seed {}: {}", self.seed, self.function.log());
        for _ in 0..10 {
            let finished = OmsBridge::new(["replay", "--json"]).settings(self.settings()).run().await;
            if finished.code == Some(0) {
                break;
            }
        }
    }

    async fn check(&self) {
        let (seed, mode) = (self.seed, self.mode);
        let records = if mode == Mode::Copy { self.cloud.copy_records() } else { self.cloud.records() };
        assert_eq!(records.keys(Shelf::Failed), [""; 0], "seed {seed}, {mode:?}: failed records are left");
        assert_eq!(records.keys(Shelf::Dead), [""; 0], "seed {seed}, {mode:?}");
        if mode == Mode::Oms {
            for (key, before) in &self.accepted {
                let now = self.cloud.twin.accepted_count(key);
                assert!(now > *before, "seed {seed}, {mode:?}: the last change of {key:?} was not sent");
            }
        }
        for (key, content) in &self.model {
            let there = || {
                let copy = self.cloud.mirrored(key)?;
                Some(String::from_utf8(copy.body.to_vec()).unwrap())
            };
            // OMS copies a moment after it has accepted.
            if mode != Mode::Copy {
                let arrived = self.cloud.twin.wait_until(|_| there() == *content);
                let _ = tokio::time::timeout(Duration::from_secs(5), arrived).await;
            }
            assert_eq!(there(), *content, "seed {seed}, {mode:?}: {key:?}");
        }
    }
}

fn settings(cloud: &Cloud, mode: Mode) -> Settings {
    let removing =
        |settings: Settings| settings.set("PROPAGATE_DELETES", "true").set("SOURCE_BUCKET", SOURCE);
    match mode {
        Mode::Oms => cloud.settings(),
        Mode::Copy => removing(cloud.copy_settings()),
        Mode::Both => removing(cloud.oms_then_copy_settings()),
    }
}

fn timer() -> Event {
    r#"{"triggerName":"t","triggerTime":"2026-01-05T10:00:00Z","payload":"{\"action\":\"replay\"}"}"#
        .to_owned()
}

#[tokio::test]
async fn after_everything_has_recovered_each_last_change_was_forwarded() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match (number("INTERLEAVED_SEED"), number("INTERLEAVED_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, seeds) => 0..seeds.unwrap_or(15),
    };
    for seed in seeds {
        let mut world = World::new(seed).await;
        for _ in 0..STEPS {
            world.step().await;
        }
        world.last_changes().await;
        world.recover().await;
        world.check().await;
    }
}
