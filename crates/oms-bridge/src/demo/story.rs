//! The steps of the demo.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cloud_twin::{Fault, FaultResponse, Service};
use futures_util::TryStreamExt as _;
use oss_lite::{Bucket, ListOptions, PutOptions};
use serde::Serialize;

use super::Error;
use super::cloud::{DESTINATION, JOURNAL, LocalCloud, SOURCE};
use super::journeys::Journeys;
use super::objects::{self, Sample};
use bridge_core::journal::{Layout, Record, RecordStatus};
use bridge_core::progress::Log;
use bridge_core::replay::{ReplayOptions, replay};
use object_copy::stop::Stop;
use terminal::numbers::bytes;
use terminal::screen::{Screen, millis};

/// Longest wait for any step, which takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Largest record that is read back.
const MAX_RECORD: usize = 64 * 1024;

/// The result of the demo.
#[derive(Debug, Serialize)]
pub(crate) struct Ending {
    /// Objects uploaded.
    pub objects: usize,
    /// Objects whose copy in OBS has the same content and type.
    pub arrived: usize,
    /// Keys that failed while OMS was down, all of them in the journal.
    pub journaled: usize,
    /// Of those, keys that the replay delivered.
    pub resent: usize,
    /// Seconds from the first upload to the last comparison.
    pub elapsed_s: f64,
    /// The times of each object.
    pub table: Vec<Row>,
}

/// The times of one object.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// Its key.
    pub key: String,
    /// From its upload until OMS accepted it, in milliseconds.
    pub accepted_ms: Option<f64>,
    /// From its upload until it was in OBS, in milliseconds.
    pub arrived_ms: Option<f64>,
    /// Whether the copy has the same content and type.
    pub identical: bool,
}

impl Ending {
    /// Whether every object arrived.
    pub(crate) fn is_happy(&self) -> bool {
        self.arrived == self.objects
    }
}

/// Runs the whole demo on `cloud`.
///
/// # Errors
///
/// When something fails that is not part of the demo.
pub(crate) async fn tell(cloud: &LocalCloud, screen: Screen) -> Result<Ending, Error> {
    let started = Instant::now();
    let mut story = Story {
        cloud,
        screen,
        source: cloud.oss(SOURCE)?,
        journal: cloud.oss(JOURNAL)?,
        destination: cloud.obs(DESTINATION)?,
        journeys: Journeys::new(cloud.twin().subscribe()),
    };
    story.introduce();
    let mut samples = objects::first_act();
    story.uploads(&samples).await?;
    let late = objects::during_outage();
    let journaled = story.outage(&late).await?;
    let resent = story.recovery(&journaled).await?;
    samples.extend(late);
    let table = story.comparison(&samples).await?;
    Ok(Ending {
        objects: samples.len(),
        arrived: table.iter().filter(|row| row.identical).count(),
        journaled: journaled.len(),
        resent,
        elapsed_s: (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        table,
    })
}

struct Story<'c> {
    cloud: &'c LocalCloud,
    screen: Screen,
    source: Bucket,
    journal: Bucket,
    destination: Bucket,
    journeys: Journeys,
}

impl Story<'_> {
    fn introduce(&self) {
        let (screen, twin) = (self.screen, self.cloud.twin());
        screen.paragraph("", "A local cloud: nothing leaves this machine, and every signature is verified.");
        screen.line("");
        let service = |name: &str, url: &str, what: &str| {
            screen.paragraph(&format!("  {name:8}  {url}   "), what);
        };
        let buckets = format!("buckets {SOURCE} (source) and {JOURNAL} (journal)");
        service("OSS", &twin.oss_url(), &buckets);
        let trigger = format!("invoked for every upload to {SOURCE}");
        service("function", self.cloud.function_url(), &trigger);
        service("OMS", &twin.oms_url(), &format!("sync task {}", self.cloud.task().sync_task_id));
        service("OBS", &twin.obs_url(), &format!("bucket {DESTINATION}"));
    }

    async fn uploads(&mut self, samples: &[Sample]) -> Result<(), Error> {
        self.screen.title(&format!("1. Upload {} objects with awkward names", samples.len()));
        for sample in samples {
            self.upload(sample).await?;
            self.journeys
                .follow([&*sample.key].into_iter(), |journey| journey.arrived.is_some(), PATIENCE)
                .await;
            self.announce(&sample.key);
        }
        // Once the last event is answered, all success records are written.
        let keys = samples.iter().map(|sample| &*sample.key);
        self.journeys.follow(keys, |journey| journey.answered.is_some(), PATIENCE).await;
        let records = self.records(RecordStatus::Success).await?.len();
        self.screen.line(&format!("  The journal has {records} success records."));
        Ok(())
    }

    /// Names of the journal's records of one kind.
    async fn records(&self, status: RecordStatus) -> Result<Vec<String>, Error> {
        let root = Layout::new(&self.cloud.task().sync_task_id).name(status, "");
        let options =
            ListOptions { prefix: Some(root.trim_end_matches('/').to_owned()), ..ListOptions::default() };
        let pages: Vec<_> = self.journal.list(options).try_collect().await?;
        Ok(pages.into_iter().flat_map(|page| page.objects).map(|object| object.key).collect())
    }

    async fn upload(&mut self, sample: &Sample) -> Result<(), Error> {
        let options = PutOptions { content_type: Some(sample.content_type.into()), ..PutOptions::default() };
        self.journeys.begin(&sample.key);
        self.source.put(&sample.key, sample.body.clone(), options).await?;
        Ok(())
    }

    fn announce(&self, key: &str) {
        let (accepted, arrived) = self.journeys.of(key).map_or((None, None), |journey| {
            let since = |moment: Option<_>| moment.map(|moment| millis(moment - journey.uploaded));
            (since(journey.accepted), since(journey.arrived))
        });
        match (accepted, arrived) {
            (Some(accepted), Some(arrived)) => {
                self.screen.good(key, &format!("accepted {accepted}, arrived {arrived}"));
            }
            (Some(_), None) => self.screen.bad(key, "accepted, but it did not arrive"),
            (None, _) => self.screen.bad(key, "the event was not accepted"),
        }
    }

    /// Uploads while OMS is down. Returns the keys that the journal has as failed.
    async fn outage(&mut self, samples: &[Sample]) -> Result<Vec<String>, Error> {
        self.screen.title(&format!("2. OMS goes down (503). Upload {} more", samples.len()));
        let faults = self.cloud.twin().faults();
        let outage = faults.inject(Fault::respond(Service::Oms, FaultResponse::oms_unavailable()));
        for sample in samples {
            self.upload(sample).await?;
        }
        let keys = samples.iter().map(|sample| &*sample.key);
        self.journeys.follow(keys, |journey| journey.answered.is_some(), PATIENCE).await;
        faults.clear(outage);
        let layout = Layout::new(&self.cloud.task().sync_task_id);
        let prefix = layout.name(RecordStatus::Failed, "");
        let options = ListOptions { prefix: Some(prefix), ..ListOptions::default() };
        let pages: Vec<_> = self.journal.list(options).try_collect().await?;
        let mut failed = Vec::new();
        for listed in pages.into_iter().flat_map(|page| page.objects) {
            let body = self.journal.get(&listed.key).await?.bytes(MAX_RECORD).await?;
            let record = Record::parse(&body)?;
            let error = record.error.unwrap_or_default();
            let class = record.class.map(|class| class.to_string()).unwrap_or_default();
            self.screen.bad(&record.key, &format!("in the journal, {class}: {error}"));
            failed.push(record.key);
        }
        Ok(failed)
    }

    /// Replays the journal. Returns the number of accepted keys.
    async fn recovery(&mut self, keys: &[String]) -> Result<usize, Error> {
        self.screen.title("3. OMS is back. Replay the journal, as `oms-bridge replay` and the timer do");
        let pipeline = self.cloud.pipeline()?;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let credentials = self.cloud.source_credentials().from_environment()?;
        let context = pipeline.engine().context(Some(&credentials));
        let journal = pipeline.journal().open(credentials, deadline);
        let (options, stop) = (ReplayOptions::until(deadline), Stop::default());
        let summary = replay(pipeline.engine(), context, &journal, options, Arc::new(Log), &stop).await;
        let waiting = keys.iter().map(String::as_str);
        self.journeys.follow(waiting, |journey| journey.arrived.is_some(), PATIENCE).await;
        for key in keys {
            self.announce(key);
        }
        let left = self.records(RecordStatus::Failed).await?.len();
        self.screen.line(&format!("  {left} failed records are left in the journal."));
        Ok(summary.accepted)
    }

    /// Reads every object from both sides.
    async fn comparison(&self, samples: &[Sample]) -> Result<Vec<Row>, Error> {
        self.screen.title("4. Is anything missing? Read every object from OSS and from OBS, and compare");
        let mut header = vec!["object".to_owned()];
        header.extend(["size", "accepted", "arrived", "copy"].map(str::to_owned));
        let mut table = vec![header];
        let mut rows = Vec::new();
        for sample in samples {
            let identical = self.identical(sample).await?;
            let journey = self.journeys.of(&sample.key);
            let accepted = journey.and_then(|journey| Some(journey.accepted? - journey.uploaded));
            let arrived = journey.and_then(|journey| Some(journey.arrived? - journey.uploaded));
            table.push(vec![
                self.screen.shown(&sample.key),
                bytes(sample.body.len() as u64),
                accepted.map_or_else(|| "never".to_owned(), millis),
                arrived.map_or_else(|| "never".to_owned(), millis),
                if identical { "identical" } else { "MISSING" }.to_owned(),
            ]);
            let ms = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
            rows.push(Row {
                key: sample.key.clone(),
                accepted_ms: accepted.map(ms),
                arrived_ms: arrived.map(ms),
                identical,
            });
        }
        self.screen.table(&table);
        Ok(rows)
    }

    async fn identical(&self, sample: &Sample) -> Result<bool, Error> {
        let limit = sample.body.len();
        let original = self.source.get(&sample.key).await?;
        let Ok(copy) = self.destination.get(&sample.key).await else {
            return Ok(false);
        };
        if original.meta.content_type != copy.meta.content_type || original.meta.size != copy.meta.size {
            return Ok(false);
        }
        Ok(original.bytes(limit).await? == copy.bytes(limit).await?)
    }
}
