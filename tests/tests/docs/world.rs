//! The local cloud that pages are run on, and the values that replace the names in them.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use cloud_twin::{Fault, FaultResponse, Service, SyncTaskHandle, Twin};
use e2e::sqs::{Sqs, SqsReply};
use e2e::{Function, Settings, WebReply, WebRequest, WebServer, event};
use serde_json::json;
use tempfile::TempDir;

/// The buckets of all pages.
pub(crate) const SOURCE: &str = "photos";
pub(crate) const SITE: &str = "www";
pub(crate) const MIRROR: &str = "mirror";
pub(crate) const LOGS: &str = "photos-oms-log";

/// An object of the source bucket that has failed.
pub(crate) const FAILED: &str = "photos/a b.jpg";
/// The object that the event in `event.json` is about.
pub(crate) const CHANGED: &str = "2024/a.jpg";
/// The key in the list `changed-keys.txt`.
pub(crate) const LISTED: &str = "2024/b.jpg";
/// The key of the only object of Amazon S3.
pub(crate) const OF_AMAZON: &str = "2024/s3.jpg";
/// The key of the upload in the queue's only message.
pub(crate) const QUEUED: &str = "queued.jpg";

/// The clouds, a web server, a queue, and a folder to work in.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) twin: Twin,
    task: SyncTaskHandle,
    site: WebServer,
    queue: Sqs,
    folder: TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        let twin = Twin::builder().start().await.unwrap();
        for bucket in [SOURCE, SITE, LOGS] {
            twin.create_oss_bucket(bucket);
        }
        twin.create_obs_bucket(MIRROR);
        let task = twin.create_sync_task(SOURCE, MIRROR);
        for key in [FAILED, CHANGED, LISTED] {
            twin.oss().put(SOURCE, key, key.to_owned());
        }
        twin.oss().put(LOGS, &marker(&task), "");
        let queue = Sqs::start(|request| match (&*request.action, request.number) {
            ("ReceiveMessage", 0) => SqsReply::Done(Sqs::messages(&[("1", "receipt", QUEUED)])),
            ("ReceiveMessage", _) => SqsReply::After(Duration::from_millis(100), json!({"Messages": []})),
            _ => SqsReply::Done(request.succeeded()),
        })
        .await;
        let world =
            Self { twin, task, site: WebServer::start(site).await, queue, folder: TempDir::new().unwrap() };
        world.write("event.json", &event::of([event::element(SOURCE, "ObjectCreated:PutObject", CHANGED)]));
        world.write("changed-keys.txt", &format!("{LISTED}\n"));
        world.write("oms-bridge-failed-20260105T100000Z.txt", &format!("{CHANGED}\n"));
        world.write("site/index.html", "<p>hello");
        // `curl` fails for an error status, and with it the page.
        world.write("home/.curlrc", "fail-with-body\nsilent\nshow-error\n");
        let programs = world.folder().join("programs");
        std::fs::create_dir(&programs).unwrap();
        std::os::unix::fs::symlink(e2e::binary(), programs.join("oms-bridge")).unwrap();
        world
    }

    /// Where commands run.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether the record of [`FAILED`] is still there.
    pub(crate) fn waits_for_a_replay(&self) -> bool {
        self.twin.oss().get(LOGS, &marker(&self.task)).is_some()
    }

    /// The function as a user of this page has deployed it, with the trigger on the source bucket.
    pub(crate) async fn deploy(&self, page: &str) -> Function {
        let function = Function::with(self.settings(page)).start().await;
        self.twin.notify(SOURCE, &function.url()).unwrap();
        function
    }

    /// OBS refuses the next upload of this object.
    pub(crate) fn refuse_once(&self, key: &str) {
        let fault = Fault::respond(Service::Obs, FaultResponse::error(400, "InvalidArgument", "not today"));
        self.twin.faults().inject(fault.method("PUT").key_contains(key).times(1));
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The environment of a user who has set what the page requires.
    pub(crate) fn settings(&self, page: &str) -> Settings {
        let (twin, folder) = (&self.twin, self.folder().display());
        let (oss, huawei) = (twin.oss_account(), twin.huawei_account());
        let settings = Settings::default()
            .and(self.queue.settings())
            .and(self.site.s3())
            .set("PATH", format!("{folder}/programs:{}", std::env::var("PATH").unwrap()))
            .set("HOME", format!("{folder}/home"))
            .set("LOG_FORMAT", "text")
            .set("SYNC_URL", twin.sync_url(&self.task))
            .set("HW_AK", &huawei.access_key)
            .set("HW_SK", &huawei.secret_key)
            .set("LOG_BUCKET", LOGS)
            .set("OSS_ENDPOINT", twin.oss_url())
            .set("OSS_REGION", twin.region())
            .set("OSS_ACCESS_KEY_ID", &oss.access_key)
            .set("OSS_ACCESS_KEY_SECRET", &oss.secret_key);
        match page {
            // "besides FORWARD_MODE=copy, DEST, DEST_ENDPOINT, LOG_BUCKET …", and a site on this machine.
            "ingest" => settings
                .unset("SYNC_URL")
                .set("FORWARD_MODE", "copy")
                .set("DEST", format!("obs://{MIRROR}"))
                .set("DEST_ENDPOINT", twin.obs_url())
                .set("INGEST_ALLOW_PRIVATE", "true"),
            _ => settings,
        }
    }

    /// A block with values of this world for its names. `$LISTENING` is where the last server listens.
    pub(crate) fn fill(&self, text: &str) -> String {
        let (oss, huawei) = (self.twin.oss_account(), self.twin.huawei_account());
        let queue = format!("{}/123456789012/uploads", self.queue.origin());
        let task =
            "https://oms.cn-north-4.myhuaweicloud.com/v2/<project_id>/sync-tasks/<sync_task_id>/events";
        let domain = format!("\"domain\":\"{}\"", self.site.url(""));
        let names = [
            (task, &*self.twin.sync_url(&self.task)),
            ("oss-cn-hangzhou.aliyuncs.com", &self.twin.oss_url()),
            ("obs.cn-north-4.myhuaweicloud.com", &self.twin.obs_url()),
            ("https://sqs.<region>.amazonaws.com/<account id>/<queue>", &queue),
            ("https://sqs.<区域>.amazonaws.com/<账号 ID>/<队列>", &queue),
            ("https://example.com/", &self.site.url("/")),
            ("\"domain\":\"cdn.example.com\"", &domain),
            ("INGEST_DOMAINS='cdn.example.com,", "INGEST_DOMAINS='127.0.0.1,"),
            ("localhost:8080", "$LISTENING"),
            ("localhost:9000", "$LISTENING"),
            ("localhost:9004", &self.twin.admin_url()),
            ("localhost:9090", "$LISTENING"),
            ("<id>", &oss.access_key),
            ("<secret>", &oss.secret_key),
            ("<access key>", &huawei.access_key),
            ("<访问密钥>", &huawei.access_key),
            ("<secret key>", &huawei.secret_key),
            ("<私有密钥>", &huawei.secret_key),
            // Only `s deploy` reads these.
            ("acs:ram::<account id>:role/<function role>", "a-role"),
            ("acs:ram::<账号 ID>:role/<函数角色>", "a-role"),
            ("<log project>", "a-project"),
            ("<日志项目>", "a-project"),
            ("<log store>", "a-store"),
            ("<日志库>", "a-store"),
            ("/<topic>/", "/a-topic/"),
            ("/<主题>/", "/a-topic/"),
        ];
        names.iter().fold(text.to_owned(), |text, (name, here)| text.replace(name, here))
    }
}

fn marker(task: &SyncTaskHandle) -> String {
    format!("oms_source_record/{}/failed_object/{FAILED}", task.sync_task_id)
}

/// Any file, and a bucket of Amazon S3 with one object.
fn site(request: &WebRequest) -> WebReply {
    if request.target.contains("list-type=2") {
        let object = format!("<Contents><Key>{OF_AMAZON}</Key><Size>1</Size></Contents>");
        let listing =
            format!("<ListBucketResult><IsTruncated>false</IsTruncated>{object}</ListBucketResult>");
        return WebReply::whole(&Bytes::from(listing));
    }
    WebReply::file(request, &Bytes::from(request.target.clone())).header("etag", "\"one\"")
}
