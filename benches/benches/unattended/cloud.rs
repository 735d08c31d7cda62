//! The clouds: OSS, OBS and OMS in this process, by a clock that is moved.

use chrono::{SubsecRound as _, TimeDelta, Utc};
use cloud_twin::{
    Fault, FaultId, FaultResponse, FunctionSettings, ManualClock, Service, SyncTaskHandle, Twin,
};

use crate::drive;
use crate::objects::{self, NEVER};
use crate::scale::{SILENT, Scale};
use bench::Result;

pub(crate) const SOURCE: &str = "source";
pub(crate) const MIRROR: &str = "mirror";
pub(crate) const LOGS: &str = "logs";

pub(crate) struct Cloud {
    pub(crate) twin: Twin,
    clock: ManualClock,
    task: SyncTaskHandle,
    outage: Option<FaultId>,
}

impl Cloud {
    pub(crate) async fn start(scale: &Scale) -> Result<Self> {
        // At the end it is still behind the machine's, since what a page shows ends with the machine's hour.
        let ago = TimeDelta::minutes(i64::from(scale.minutes + drive::PATIENCE));
        let clock = ManualClock::new((Utc::now() - ago).trunc_subsecs(0));
        let function = FunctionSettings { concurrency: INVOCATIONS, ..FunctionSettings::default() };
        let config = Twin::builder().clock(clock.clone()).seed(scale.seed).function(function);
        let twin = config.start().await?;
        twin.create_oss_bucket(SOURCE);
        twin.create_oss_bucket(LOGS);
        twin.create_obs_bucket(MIRROR);
        let task = twin.create_sync_task(SOURCE, MIRROR);
        twin.faults().inject(Fault::fail_copy(NEVER, "this key, every time"));
        twin.faults().inject(Fault::fail_copy("", "some, now and then").probability(SILENT));
        Ok(Self { twin, clock, task, outage: None })
    }

    pub(crate) fn a_minute_passes(&self) {
        self.clock.advance(TimeDelta::minutes(1));
    }

    /// Writes an object to the source; its event reaches the function, or does not.
    pub(crate) fn upload(&self, key: &str, upload: u32, dropped: bool) {
        let content = objects::content(upload);
        if dropped {
            self.twin.oss().put(SOURCE, key, content);
        } else {
            self.twin.oss().put_with_event(SOURCE, key, content);
        }
    }

    pub(crate) fn oms_goes_down(&mut self) {
        let down = Fault::respond(Service::Oms, FaultResponse::oms_unavailable());
        self.outage = Some(self.twin.faults().inject(down));
    }

    pub(crate) fn oms_is_back(&mut self) {
        if let Some(outage) = self.outage.take() {
            self.twin.faults().clear(outage);
        }
    }

    /// Requests that all services have answered so far.
    pub(crate) fn requests(&self) -> u64 {
        requests(&self.twin)
    }

    /// Returns once this many requests were answered.
    pub(crate) async fn answered(&self, requests_wanted: u64) {
        self.twin.wait_until(|twin| requests(twin) >= requests_wanted).await;
    }

    /// Returns once no event waits for its delivery and no accepted key for its copy.
    pub(crate) async fn idle(&self) {
        self.twin.wait_until(Twin::is_idle).await;
    }

    /// The settings of the deployed function.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        let huawei = self.twin.huawei_account();
        vec![
            ("SYNC_URL", self.twin.sync_url(&self.task)),
            ("HW_AK", huawei.access_key.clone()),
            ("HW_SK", huawei.secret_key.clone()),
            ("SOURCE_BUCKET", SOURCE.to_owned()),
            ("DEST", format!("obs://{MIRROR}")),
            ("DEST_ENDPOINT", self.twin.obs_url()),
            ("LOG_BUCKET", LOGS.to_owned()),
            ("OSS_ENDPOINT", self.twin.oss_url()),
            ("OSS_REGION", self.twin.region().to_owned()),
        ]
    }

    /// What a person who looks needs besides.
    pub(crate) fn keys(&self) -> Vec<(&'static str, String)> {
        let oss = self.twin.oss_account();
        vec![("OSS_ACCESS_KEY_ID", oss.access_key.clone()), ("OSS_ACCESS_KEY_SECRET", oss.secret_key.clone())]
    }
}

fn requests(twin: &Twin) -> u64 {
    twin.stats().requests.iter().map(|requests| requests.count).sum()
}

/// Invocations at once that the platform lets the function have.
const INVOCATIONS: usize = 100;
