//! What ends a run as a whole: said once, with the setting behind it and what to do, and nothing else.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use cloud_twin::{Fault, FaultResponse, Service};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Cloud, Copy, Finished};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{BACKUP, all_to_mirror, counts, ends_with, to_mirror};

/// Objects in the source bucket, and files in a directory.
const MANY: usize = 60;

struct Ends {
    cloud: Cloud,
    files: TempDir,
}

impl Ends {
    async fn new() -> Self {
        let (cloud, files) = (Cloud::start().await, TempDir::new().unwrap());
        cloud.twin.create_oss_bucket(BACKUP);
        for number in 0..MANY {
            cloud.twin.oss().put(SOURCE, &format!("{number:03}"), "content");
            fs::write(files.path().join(format!("{number:03}")), "content").unwrap();
        }
        Self { cloud, files }
    }

    /// A run of the files.
    fn upload(&self, to: &str) -> Copy {
        Copy::new(&self.cloud.twin, self.files.path().to_str().unwrap(), to).with(["-r"])
    }

    fn deny(&self, service: Service, method: &str) -> cloud_twin::FaultId {
        let denied = Fault::respond(service, FaultResponse::error(403, "AccessDenied", "no"));
        self.cloud.twin.faults().inject(denied.method(method))
    }
}

/// Runs it for people and for programs, and sees that both are told the same, once, and that no file is left.
async fn ends_once(code: i32, copy: Copy, once: &str, said: &[&str]) -> Value {
    let folder = TempDir::new().unwrap();
    let finished = copy.clone().run_in(folder.path()).await;
    assert_said(&finished, code, once, said);
    let finished = copy.with(["--json"]).run_in(folder.path()).await;
    assert_said(&finished, code, once, said);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "a file is left");
    let result = finished.json();
    let error = &result["error"];
    assert_eq!(error["exit"], code, "{result}");
    let shown = |member: &str| error[member].as_str().unwrap_or_default().to_owned();
    let setting = error.get("setting").map(|_| format!("{}: ", shown("setting"))).unwrap_or_default();
    let text = format!("error: {setting}{}\n  do: {}", shown("message"), shown("remedy"));
    for said in said {
        assert!(text.contains(said), "{said}: {result}");
    }
    // The members of a run that did not fail are there, too.
    assert!(result["objects"].is_u64() && result["elapsed_s"].is_number(), "{result}");
    assert!(result["failed"].as_u64().unwrap() < 40, "{result}");
    result
}

fn assert_said(finished: &Finished, code: i32, once: &str, said: &[&str]) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    let stderr = &finished.stderr;
    assert_eq!(stderr.matches(once).count(), 1, "{once}: {finished:?}");
    assert!(!stderr.contains(" failed key="), "{finished:?}");
    for said in said {
        assert!(stderr.contains(said), "{said}: {finished:?}");
    }
}

#[tokio::test]
async fn a_bucket_that_is_missing() {
    let ends = Ends::new().await;
    let nowhere = "obs://no-such-bucket/";
    let twin = &ends.cloud.twin;
    let all = format!("oss://{SOURCE}/");
    let said = &["error: DST: ", "do: create the bucket, correct DST, or set DEST_ENDPOINT"];
    for copy in [
        ends.upload(nowhere),
        ends.upload(nowhere).with(["--force"]),
        Copy::new(twin, &all, nowhere).with(["-r"]),
        Copy::new(twin, &all, nowhere).with(["-r", "--force"]),
        Copy::new(twin, format!("oss://{SOURCE}/001"), nowhere),
    ] {
        let result = ends_once(2, copy, "NoSuchBucket", said).await;
        assert!(result["failed"].as_u64().unwrap() <= 16, "{result}");
        assert!(!result.to_string().contains("goes on"), "{result}");
    }
    let said = &["error: SRC: ", "do: correct SRC, or set OSS_ENDPOINT"];
    for (from, arguments) in [("oss://no-such-bucket/", &["-r"][..]), ("oss://no-such-bucket/k", &[])] {
        let copy = Copy::new(twin, from, format!("obs://{MIRROR}/")).with(arguments.iter().copied());
        ends_once(2, copy, "NoSuchBucket", said).await;
    }
}

#[tokio::test]
async fn an_object_that_is_not_there_and_a_wildcard() {
    let ends = Ends::new().await;
    let twin = &ends.cloud.twin;
    let wildcard = "use -r with SRC \"00/\" of bucket source, and --include for the pattern";
    for (from, arguments, said) in [
        (
            "oss://source/nothing",
            &[][..],
            "error: SRC: bucket source has no object \"nothing\"\n  do: correct the key, or use -r",
        ),
        ("oss://source/00/*.jpg", &[], wildcard),
        ("oss://source/00/*.jpg", &["-r"], wildcard),
    ] {
        let copy = Copy::new(twin, from, format!("obs://{MIRROR}/")).with(arguments.iter().copied());
        let finished = ends_with(if arguments.is_empty() { 3 } else { 0 }, copy).await;
        assert!(finished.stderr.contains(said), "{said}: {finished:?}");
    }
    let copy = all_to_mirror(&ends.cloud).with(["--older-than", "3d"]);
    let finished = ends_with(2, copy).await;
    assert!(
        finished.stderr.contains("--older-than: has no effect here, only with --abort-stale"),
        "{finished:?}"
    );
}

#[tokio::test]
async fn a_region_that_is_wrong() {
    let ends = Ends::new().await;
    let said = &["error: OSS_REGION: ", "do: set OSS_REGION to the region of bucket "];
    for copy in [all_to_mirror(&ends.cloud), to_mirror(&ends.cloud, "001")] {
        ends_once(2, copy.set("OSS_REGION", "cn-beijing"), "Invalid signing region", said).await;
    }
    let said = &["error: DEST_REGION: ", "do: set DEST_REGION to the region of bucket "];
    let copy = ends.upload(&format!("oss://{BACKUP}/")).set("DEST_REGION", "cn-beijing");
    ends_once(2, copy, "Invalid signing region", said).await;
}

#[tokio::test]
async fn credentials_that_are_refused() {
    type Run = fn(&Ends) -> Copy;
    let upload: Run = |ends| ends.upload(&format!("obs://{MIRROR}/"));
    let (all, one): (Run, Run) = (|ends| all_to_mirror(&ends.cloud), |ends| to_mirror(&ends.cloud, "001"));
    let huawei = ["error: HW_SK: ", "do: check HW_SK: it does not fit the access key in HW_AK"];
    let oss = [
        "error: ALIBABA_CLOUD_ACCESS_KEY_SECRET: ",
        "do: check ALIBABA_CLOUD_ACCESS_KEY_SECRET: it does not fit the access key in ALIBABA_CLOUD_ACCESS_KEY_ID",
    ];
    for (copy, setting, said) in [
        (upload, "HW_SK", huawei),
        (one, "HW_SK", huawei),
        (all, "ALIBABA_CLOUD_ACCESS_KEY_SECRET", oss),
        (one, "ALIBABA_CLOUD_ACCESS_KEY_SECRET", oss),
    ] {
        // A cloud for each: it locks a key after a few wrong signatures.
        let ends = Ends::new().await;
        let result = ends_once(4, copy(&ends).set(setting, "hush"), "SignatureDoesNotMatch", &said).await;
        assert_eq!(result["error"]["kind"], "credentials");
        assert!(!result.to_string().contains("hush"), "{result}");
    }
}

#[tokio::test]
async fn a_right_that_is_missing() {
    let ends = Ends::new().await;
    let faults = ends.cloud.twin.faults();
    for (service, method, copy, remedy) in [
        (
            Service::Obs,
            "PUT",
            all_to_mirror(&ends.cloud),
            "obs:object:PutObject on OBS:*:*:object:mirror/* in IAM",
        ),
        (
            Service::Obs,
            "GET",
            all_to_mirror(&ends.cloud),
            "obs:bucket:ListBucket on OBS:*:*:bucket:mirror in IAM",
        ),
        (Service::Oss, "GET", to_mirror(&ends.cloud, "001"), "oss:GetObject on acs:oss:*:*:source/* in RAM"),
        (Service::Oss, "GET", all_to_mirror(&ends.cloud), "oss:ListObjects on acs:oss:*:*:source in RAM"),
    ] {
        let denied = ends.deny(service, method);
        let said = [&*format!("do: allow {remedy}"), "error: a right is missing: "];
        let result = ends_once(2, copy, "AccessDenied", &said).await;
        assert_eq!(result["error"]["kind"], "permission");
        faults.clear(denied);
    }
    // One that is missing for some objects only is a failure of these.
    let denied = Fault::respond(Service::Obs, FaultResponse::error(403, "AccessDenied", "no"));
    faults.inject(denied.method("PUT").key_contains("00"));
    let finished = ends_with(3, all_to_mirror(&ends.cloud).with(["--json"])).await;
    assert_eq!(finished.stderr.matches(" failed key=").count(), 10, "{finished:?}");
    assert!(finished.json().get("error").is_none(), "{finished:?}");
}

#[tokio::test]
async fn a_slip_in_the_name_of_a_host() {
    let ends = Ends::new().await;
    let (oss, obs) = ("oss-cn-hangzhuo.aliyuncs.com", "obs.cn-norht-4.myhuaweicloud.com");
    let one_by_one = ["--concurrency", "1"];
    for (copy, setting, host, meant) in [
        (all_to_mirror(&ends.cloud), "OSS_ENDPOINT", oss, "oss-cn-hangzhou.aliyuncs.com"),
        (all_to_mirror(&ends.cloud), "SOURCE_ENDPOINT", oss, "oss-cn-hangzhou.aliyuncs.com"),
        (all_to_mirror(&ends.cloud), "DEST_ENDPOINT", obs, "obs.cn-north-4.myhuaweicloud.com"),
        (
            ends.upload(&format!("obs://{MIRROR}/")).with(one_by_one),
            "DEST_ENDPOINT",
            obs,
            "obs.cn-north-4.myhuaweicloud.com",
        ),
    ] {
        let said = [
            &*format!("error: {setting}: "),
            &format!("do: correct {setting}: no such region: "),
            &format!("did you mean {meant:?}?"),
        ];
        let result = ends_once(2, copy.set(setting, host), "cannot connect to", &said).await;
        assert!(result["failed"].as_u64().unwrap() <= 1, "{result}");
        assert!(!result.to_string().contains("goes on"), "{result}");
    }
}

#[tokio::test]
async fn a_service_that_is_out_of_reach() {
    let ends = Ends::new().await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let (host, nowhere) =
        (socket.local_addr().unwrap().to_string(), format!("http://{}", socket.local_addr().unwrap()));
    for (copy, setting) in [
        (all_to_mirror(&ends.cloud), "OSS_ENDPOINT"),
        (all_to_mirror(&ends.cloud), "DEST_ENDPOINT"),
        (to_mirror(&ends.cloud, "001"), "DEST_ENDPOINT"),
    ] {
        let said = [
            &*format!("error: {setting}: "),
            &format!("cannot connect to {host}"),
            &format!("do: check host and port in {setting}"),
            "; run the same command again",
        ];
        let result = ends_once(5, copy.set(setting, &nowhere), "cannot connect to", &said).await;
        assert_eq!(result["error"]["kind"], "out_of_reach");
    }
}

#[tokio::test]
async fn a_run_that_had_copied_something_says_how_it_goes_on() {
    let ends = Ends::new().await;
    let expired = FaultResponse::error(403, "SecurityTokenExpired", "The token has expired.");
    ends.cloud.twin.faults().inject(Fault::respond(Service::Obs, expired).method("PUT").after(5));
    let said = ["error: HW_AK: ", "may have expired; then the same command goes on from here"];
    let copy = all_to_mirror(&ends.cloud).with(["--concurrency", "1"]);
    let folder = TempDir::new().unwrap();
    let finished = copy.with(["--json"]).run_in(folder.path()).await;
    assert_said(&finished, 4, "SecurityTokenExpired", &said);
    assert_eq!(finished.json()["copied"], 5, "{finished:?}");
    // The key that met it is in the list all the same.
    assert_eq!(failed_keys(folder.path()).len(), 1, "{finished:?}");
}

/// The keys in the only list of failures that a run left in `folder`.
fn failed_keys(folder: &Path) -> Vec<String> {
    let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (list, others) = (files.next().expect("no list of failures"), files.count());
    assert_eq!(others, 0, "more files than the list");
    let mut keys: Vec<String> = fs::read_to_string(list).unwrap().lines().map(str::to_owned).collect();
    keys.sort();
    keys
}

#[tokio::test]
async fn what_fails_beside_objects_that_are_up_to_date_is_in_the_list() {
    let ends = Ends::new().await;
    let (twin, faults) = (&ends.cloud.twin, ends.cloud.twin.faults());
    assert_eq!(counts(0, all_to_mirror(&ends.cloud)).await, [MANY as u64, 0, 0, 0]);
    // More than end a run in a row, and objects behind them.
    let denied: Vec<String> = (30..55).map(|number| format!("{number:03}")).collect();
    for (count, changed) in [(1, [].as_slice()), (denied.len(), &["055", "056"])] {
        for key in denied[..count].iter().map(String::as_str).chain(changed.iter().copied()) {
            twin.oss().put(SOURCE, key, "content ".repeat(count + 1));
        }
        let deny = |key: &String| {
            let no = Fault::respond(Service::Oss, FaultResponse::error(403, "AccessDenied", "no"));
            faults.inject(no.method("GET").key_contains(key))
        };
        let ids: Vec<_> = denied[..count].iter().map(deny).collect();
        let folder = TempDir::new().unwrap();
        let copy = all_to_mirror(&ends.cloud).with(["--json", "--concurrency", "1"]);
        let finished = copy.run_in(folder.path()).await;
        assert_eq!(finished.code, Some(3), "{finished:?}");
        assert_eq!(finished.stderr.matches(" failed key=").count(), count, "{finished:?}");
        let result = finished.json();
        assert!(result.get("error").is_none() && result["failed_list"].is_string(), "{result}");
        assert_eq!((&result["objects"], &result["failed"]), (&MANY.into(), &count.into()), "{result}");
        assert_eq!(result["copied"], changed.len(), "{result}");
        assert_eq!(failed_keys(folder.path()), denied[..count]);
        for id in ids {
            faults.clear(id);
        }
    }
}

#[tokio::test]
async fn one_signature_that_is_refused_is_one_failure() {
    let ends = Ends::new().await;
    let refused = FaultResponse::error(403, "SignatureDoesNotMatch", "no");
    ends.cloud.twin.faults().inject(Fault::respond(Service::Obs, refused).method("PUT").key_contains("030"));
    let folder = TempDir::new().unwrap();
    let copy = all_to_mirror(&ends.cloud).with(["--json", "--concurrency", "1"]);
    let finished = copy.run_in(folder.path()).await;
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert_eq!(finished.json()["copied"], MANY - 1, "{finished:?}");
    assert_eq!(failed_keys(folder.path()), ["030"]);
}

#[tokio::test]
async fn a_directory_that_takes_nothing() {
    let ends = Ends::new().await;
    let folder = TempDir::new().unwrap();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    // Modes do not bind root, but nobody may make a file in the other one, whether it is writable or not.
    let places = [closed.as_path(), Path::new("/sys/kernel")];
    let refuses = |to: &&Path| fs::write(to.join("x"), "").is_err();
    let to = places.into_iter().find(refuses).expect("this machine lets everybody write to /sys/kernel");
    let why = match fs::write(to.join("x"), "").unwrap_err().kind() {
        std::io::ErrorKind::ReadOnlyFilesystem => "Read-only file system",
        _ => "Permission denied",
    };
    let copy = Copy::new(&ends.cloud.twin, format!("oss://{SOURCE}/"), to.to_str().unwrap()).with(["-r"]);
    let said = [
        &*format!("error: DST: \"{}/", to.display()),
        "do: make room there, allow writing, or name another DST",
    ];
    ends_once(2, copy, why, &said).await;
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_named() {
    let ends = Ends::new().await;
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("utf16"), b"\xff\xfef\0i\0").unwrap();
    for (list, said) in [
        ("nothing", "No such file or directory"),
        (".", "Is a directory"),
        ("utf16", "\"utf16\" is UTF-16\n  do: save it as UTF-8"),
    ] {
        let copy = all_to_mirror(&ends.cloud).with(["--keys-from", list]);
        let finished = copy.run_in(folder.path()).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        for said in ["error: --keys-from: ", said, "\n  do: "] {
            assert!(finished.stderr.contains(said), "{said}: {finished:?}");
        }
    }
    let finished = ends_with(2, all_to_mirror(&ends.cloud).with(["--keys-from", "nothing", "--json"])).await;
    assert_eq!(finished.json()["error"]["setting"], "--keys-from", "{finished:?}");
}

#[tokio::test]
async fn what_fails_again_is_not_promised_to_be_copied() {
    let ends = Ends::new().await;
    symlink("nowhere", ends.files.path().join("dangling")).unwrap();
    let again = "; they fail again until the reasons above are removed";
    let some = "; some fail again until the reasons above are removed";
    let finished = ends_with(3, ends.upload(&format!("obs://{MIRROR}/"))).await;
    assert!(finished.stderr.contains(&format!("tries them again{again}")), "{finished:?}");
    let faults = ends.cloud.twin.faults();
    faults.inject(
        Fault::respond(Service::Obs, FaultResponse::oss_unavailable()).key_contains("007").times(100),
    );
    let finished = ends_with(3, ends.upload(&format!("obs://{MIRROR}/")).with(["--force"])).await;
    assert!(finished.stderr.contains(&format!("tries them again{some}")), "{finished:?}");
    fs::remove_file(ends.files.path().join("dangling")).unwrap();
    let finished = ends_with(3, ends.upload(&format!("obs://{MIRROR}/")).with(["--force"])).await;
    assert!(finished.stderr.contains("tries them again\n"), "{finished:?}");
}

#[tokio::test]
async fn a_dry_run_leaves_no_list_behind() {
    let ends = Ends::new().await;
    symlink("nowhere", ends.files.path().join("dangling")).unwrap();
    let folder = TempDir::new().unwrap();
    let copy = ends.upload(&format!("obs://{MIRROR}/")).with(["--dry-run"]);
    let finished = copy.run_in(folder.path()).await;
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert!(finished.stderr.contains("a link to nothing"), "{finished:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{finished:?}");
    assert_eq!(counts(3, ends.upload(&format!("obs://{MIRROR}/"))).await, [MANY as u64, 0, 0, 1]);
}

#[tokio::test]
async fn what_is_not_there_is_named_with_what_was_meant() {
    let ends = Ends::new().await;
    let twin = &ends.cloud.twin;
    // A bucket without its scheme is taken for a path.
    let finished = ends_with(3, Copy::new(twin, "source/001", format!("obs://{MIRROR}/"))).await;
    let said = "there is no file \"source/001\"; an object in a bucket is oss://bucket/key";
    assert!(finished.stderr.contains(said), "{finished:?}");
    let finished = ends_with(0, all_to_mirror(&ends.cloud).with(["--keys-from", "-"])).await;
    assert!(
        finished.stderr.contains("nothing to copy: there is nothing in --keys-from \"-\""),
        "{finished:?}"
    );
    // OBS does not understand what is signed for OSS, and says only that it does not.
    let listed = Copy::new(twin, format!("oss://{SOURCE}/"), format!("obs://{MIRROR}/")).with(["-r"]);
    let finished = ends_with(2, listed.set("DEST_ENDPOINT", twin.oss_url())).await;
    let said = "do: check that DEST_ENDPOINT is one of Huawei Cloud OBS: it names 127.0.0.1";
    assert!(finished.stderr.contains(said), "{finished:?}");
}
