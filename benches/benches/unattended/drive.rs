//! The run: minute by minute, until there is nothing left to do.

use std::sync::Arc;
use std::time::Instant;

use fastrand::Rng;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::cloud::{Cloud, SOURCE};
use crate::function::{Answer, Function, Usage};
use crate::ledger::{Ledger, Watching};
use crate::objects;
use crate::product::Product;
use crate::scale::{Action, DROPPED, Kill, REPLACED, Scale};
use bench::Result;

/// Minutes after the last upload by which everything must have ended.
pub(crate) const PATIENCE: u32 = 360;

/// A run that has ended.
pub(crate) struct Driven {
    pub(crate) cloud: Cloud,
    pub(crate) ledger: Ledger,
    /// Uploads whose event never reached the function.
    pub(crate) dropped: u64,
    pub(crate) kills: Kills,
    pub(crate) timers: [Timer; 3],
    pub(crate) usage: Usage,
    /// Minutes by the clouds' clock, from the first upload to the end.
    pub(crate) minutes: u32,
    pub(crate) seconds: f64,
    pub(crate) requests_of_events: u64,
    /// What the timers said last, if it did not end.
    pub(crate) unfinished: Option<String>,
}

/// How often the function was killed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kills {
    pub(crate) all: u64,
    /// While a service worked for it.
    pub(crate) under_way: u64,
}

/// What the runs of a timer came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timer {
    pub(crate) runs: u64,
    pub(crate) requests: u64,
    /// Keys that it sent, as far as it lived to say so.
    pub(crate) sent: u64,
    /// Requests of the last run that nothing disturbed.
    last: u64,
}

fn sent(action: Action, result: &Value) -> u64 {
    let names: &[&str] = match action {
        Action::Replay => &["accepted"],
        Action::Confirm => &["resent", "copied"],
        Action::Reconcile => &["sent"],
    };
    names.iter().filter_map(|name| result[name].as_u64()).sum()
}

struct Drive<'d> {
    scale: &'d Scale,
    dice: Rng,
    cloud: Cloud,
    function: Arc<Function>,
    kills: Vec<Kill>,
    keys: u32,
    dropped: u64,
    killed: Kills,
    timers: [Timer; 3],
    /// What the last run of each timer came to.
    answers: [Option<Answer>; 3],
    requests_of_events: u64,
    unfinished: Option<String>,
}

pub(crate) async fn run(product: &Product, scale: &Scale) -> Result<Driven> {
    let begun = Instant::now();
    let cloud = Cloud::start(scale).await?;
    let watching = Watching::of(&cloud.twin);
    let account = cloud.twin.function_account().clone();
    let function = Arc::new(Function::start(&product.program, cloud.settings(), account).await?);
    cloud.twin.notify(SOURCE, &function.url())?;
    let mut dice = Rng::with_seed(scale.seed);
    let kills = scale.plan_kills(&mut dice);
    let mut drive = Drive {
        scale,
        dice,
        cloud,
        function,
        kills,
        keys: 0,
        dropped: 0,
        killed: Kills::default(),
        timers: Default::default(),
        answers: Default::default(),
        requests_of_events: 0,
        unfinished: None,
    };
    let minutes = drive.run().await?;
    let usage = drive.function.end()?;
    let Drive { cloud, dropped, killed: kills, timers, requests_of_events, unfinished, .. } = drive;
    let ledger = watching.so_far();
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Driven {
        cloud,
        ledger,
        dropped,
        kills,
        timers,
        usage,
        minutes,
        seconds,
        requests_of_events,
        unfinished,
    })
}

impl Drive<'_> {
    async fn run(&mut self) -> Result<u32> {
        let mut minute = 0;
        while minute < self.scale.minutes {
            if minute == self.scale.outage.start {
                minute = self.outage().await?;
                continue;
            }
            self.cloud.a_minute_passes();
            self.minute_of_events(minute).await?;
            self.minute_of_timers(minute).await?;
            minute += 1;
        }
        while minute < self.scale.minutes + PATIENCE {
            self.cloud.a_minute_passes();
            self.minute_of_timers(minute).await?;
            if self.nothing_is_left() {
                return Ok(minute);
            }
            minute += 1;
        }
        self.unfinished = Some(format!("not over after {minute} minutes: {:?}", self.answers));
        Ok(minute)
    }

    async fn minute_of_events(&mut self, minute: u32) -> Result<()> {
        let before = self.cloud.requests();
        let uploads = self.upload(minute);
        if let Some(kill) = self.take_kill(minute, None) {
            // Each takes at least two requests.
            let due = before + kill.after(2 * uploads);
            let under_way = tokio::select! {
                () = self.cloud.answered(due) => true,
                () = self.cloud.idle() => false,
            };
            self.kill(under_way).await?;
        }
        self.cloud.idle().await;
        self.requests_of_events += self.cloud.requests() - before;
        Ok(())
    }

    /// Uploads what comes in this minute; returns how many events were raised.
    fn upload(&mut self, minute: u32) -> u64 {
        let mut raised = 0;
        let earlier = self.keys;
        for upload in self.scale.uploads_in(minute) {
            let replaces = earlier > 0 && self.dice.f64() < REPLACED;
            let number = if replaces { self.dice.u32(..earlier) } else { self.keys };
            self.keys += u32::from(!replaces);
            let dropped = self.dice.f64() < DROPPED;
            self.dropped += u64::from(dropped);
            raised += u64::from(!dropped);
            self.cloud.upload(&objects::key(number), upload, dropped);
        }
        raised
    }

    async fn minute_of_timers(&mut self, minute: u32) -> Result<()> {
        for action in Action::ALL.into_iter().filter(|action| action.is_due(minute)) {
            let before = self.cloud.requests();
            let kill = self.take_kill(minute, Some(action));
            let function = Arc::clone(&self.function);
            let mut run = tokio::spawn(async move { function.timer(action).await });
            let timer = self.timers[action as usize];
            let answer = match kill {
                Some(kill) => {
                    let due = before + kill.after(timer.last);
                    let early = tokio::select! {
                        () = self.cloud.answered(due) => None,
                        answer = &mut run => Some(answer??),
                    };
                    self.kill(early.is_none()).await?;
                    match early {
                        Some(answer) => answer,
                        None => run.await??,
                    }
                }
                None => run.await??,
            };
            let requests = self.cloud.requests() - before;
            let timer = &mut self.timers[action as usize];
            timer.runs += 1;
            timer.requests += requests;
            timer.sent += sent(action, &answer.result);
            if kill.is_none() {
                timer.last = requests;
            }
            self.answers[action as usize] = Some(answer);
            self.cloud.idle().await;
        }
        Ok(())
    }

    /// OMS is down, for minutes in which nobody waits for anybody. It ends when all that began in it has
    /// ended, and failed.
    async fn outage(&mut self) -> Result<u32> {
        self.cloud.oms_goes_down();
        let mut runs = JoinSet::new();
        let before = self.cloud.requests();
        for minute in self.scale.outage.clone() {
            self.cloud.a_minute_passes();
            let raised = self.upload(minute);
            for action in Action::ALL.into_iter().filter(|action| action.is_due(minute)) {
                let function = Arc::clone(&self.function);
                self.timers[action as usize].runs += 1;
                runs.spawn(async move { function.timer(action).await });
            }
            if let Some(kill) = self.take_kill(minute, None) {
                let due = self.cloud.requests() + kill.after(raised);
                let under_way = tokio::select! {
                    () = self.cloud.answered(due) => true,
                    () = self.cloud.idle() => false,
                };
                self.kill(under_way).await?;
            }
        }
        self.cloud.idle().await;
        while let Some(ended) = runs.join_next().await {
            ended??;
        }
        self.requests_of_events += self.cloud.requests() - before;
        self.cloud.oms_is_back();
        Ok(self.scale.outage.end)
    }

    fn take_kill(&mut self, minute: u32, action: Option<Action>) -> Option<Kill> {
        let at = self.kills.iter().position(|kill| kill.minute == minute && kill.action == action)?;
        Some(self.kills.swap_remove(at))
    }

    async fn kill(&mut self, under_way: bool) -> Result<()> {
        self.killed.all += 1;
        self.killed.under_way += u64::from(under_way);
        self.function.kill().await
    }

    /// Whether the last run of each timer found nothing to do, and the comparison saw every key.
    fn nothing_is_left(&self) -> bool {
        let says = |action: Action, wanted: &[(&str, u64)]| {
            let answer = self.answers[action as usize].as_ref();
            answer.is_some_and(|answer| {
                answer.good == Some(true) && wanted.iter().all(|(name, count)| answer.result[name] == *count)
            })
        };
        let keys = u64::from(self.keys);
        says(Action::Replay, &[("listed", 0)])
            && says(Action::Confirm, &[("looked_at", 0)])
            && says(Action::Reconcile, &[("compared", keys), ("equal", keys), ("extra", 0), ("sent", 0)])
    }
}
