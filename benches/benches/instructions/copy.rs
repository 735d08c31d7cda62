//! Small objects from OSS to OBS.

use std::path::Path;
use std::process::Stdio;

use bench::Result;
use bench::instructions::Counter;
use cloud_twin::Twin;

use crate::{of_one, wrapped};

/// Objects of the shorter and of the longer run.
const TIMES: [u64; 2] = [50, 250];

const SIZE: usize = 4 << 10;

pub(crate) fn count(counter: &Counter, program: &Path) -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let twin = runtime.block_on(Twin::builder().start())?;
    for times in TIMES {
        for number in 0..times {
            twin.oss().put("source", &format!("of-{times}/{number:07}"), vec![b'x'; SIZE]);
        }
    }
    twin.create_obs_bucket("mirror");
    of_one(TIMES, |times| {
        let (oss, huawei) = (twin.oss_account(), twin.huawei_account());
        let mut command = wrapped(counter, program);
        // One after another: how the streams meet is not the same in two runs.
        command.args(["copy", "-r", "--concurrency", "1"]);
        command.args([format!("oss://source/of-{times}/"), format!("obs://mirror/of-{times}/")]);
        command
            .envs([
                ("SOURCE_ENDPOINT", twin.oss_url().as_str()),
                ("DEST_ENDPOINT", &twin.obs_url()),
                ("HW_AK", &huawei.access_key),
                ("HW_SK", &huawei.secret_key),
                ("OSS_REGION", twin.region()),
                ("OSS_ACCESS_KEY_ID", &oss.access_key),
                ("OSS_ACCESS_KEY_SECRET", &oss.secret_key),
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let status = command.status()?;
        if status.success() { counter.collected() } else { Err(format!("a copy ended with {status}").into()) }
    })
}
