//! The files that `reconcile` writes: what they may not be, and what is said of them.

use std::fs;
use std::process::Command;

use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::copy::finish;
use e2e::{Cloud, Copy};
use tempfile::TempDir;

use crate::support::{comparison, ends_with, put_both};

async fn cloud() -> Cloud {
    let cloud = Cloud::start().await;
    for key in ["a", "b"] {
        put_both(&cloud, key, key, key);
    }
    cloud
}

/// No list of OBS is answered before this ends.
fn held(cloud: &Cloud) -> cloud_twin::FaultId {
    cloud.twin.faults().inject(Fault::new(Service::Obs, FaultAction::Hold).path_contains("max-keys="))
}

#[tokio::test]
async fn one_run_at_a_time_writes_a_report_and_a_checkpoint() {
    let cloud = cloud().await;
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("report"), "").unwrap();
    let fault = held(&cloud);
    let run = || comparison(&cloud).with(["--report", "report", "--checkpoint", "checkpoint"]);
    let first = run().start_in(directory.path());
    cloud.until(|twin| twin.faults().hits(fault) > 0).await;
    for second in [
        comparison(&cloud).with(["--checkpoint", "checkpoint", "--report", "other"]),
        comparison(&cloud).with(["--checkpoint", "other", "--report", "report"]),
        comparison(&cloud).with(["--report", "report"]),
    ] {
        let second = second.run_in(directory.path()).await;
        assert_eq!(second.code, Some(2), "{second:?}");
        assert!(second.stderr.contains("another run is using it"), "{second:?}");
    }
    cloud.twin.faults().clear(fault);
    let first = finish(first).await;
    assert_eq!(first.code, Some(0), "{first:?}");
    assert_eq!(fs::read_to_string(directory.path().join("report")).unwrap(), "= a\n= b\n");
    let left: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["report"]);
}

#[tokio::test]
async fn files_that_would_be_destroyed_or_compared_are_refused_before_a_request() {
    let cloud = cloud().await;
    let directory = TempDir::new().unwrap();
    let (folder, name) = (directory.path().join("folder"), |name: &str| name.to_owned());
    fs::create_dir_all(folder.join("below")).unwrap();
    std::os::unix::fs::symlink("real", directory.path().join("link")).unwrap();
    fs::write(directory.path().join("real"), "= earlier\n").unwrap();
    let run = || comparison(&cloud);
    let of_folder = || Copy::new(&cloud.twin, folder.display().to_string(), name("obs://mirror")).comparing();
    let to_folder = || Copy::new(&cloud.twin, name("oss://source"), folder.display().to_string()).comparing();
    for (run, said) in [
        (run().with(["--report", "x", "--checkpoint", "./x"]), "is the file of --report as well"),
        (run().with(["--report", "real", "--checkpoint", "link"]), "is the file of --report as well"),
        (run().with(["--report", "/dev/stdout", "--checkpoint", "x"]), "a regular file"),
        (run().with(["--report", "/dev/null", "--checkpoint", "x"]), "a regular file"),
        (run().with(["--report", "-", "--json"]), "cannot have both the report and the result"),
        (of_folder().with(["--report", "folder/below/x"]), "is below SRC"),
        (to_folder().with(["--checkpoint", "folder/x"]), "is below DST"),
        (run().with(["--checkpoint", "real", "--metrics", "link"]), "is the file of --checkpoint"),
        (run().with(["--report", "real", "--metrics", "./real"]), "is the file of --report"),
        (of_folder().with(["--metrics", "folder/below/x"]), "lies in SRC"),
    ] {
        let finished = run.run_in(directory.path()).await;
        assert_eq!(finished.code, Some(2), "{said}: {finished:?}");
        assert!(finished.stderr.contains(said), "{said}: {finished:?}");
    }
    let stats = cloud.twin.stats();
    assert_eq!(
        stats.requests(Service::Oss, "ListObjectsV2") + stats.requests(Service::Oss, "ListObjects"),
        0
    );
    assert_eq!(fs::read_to_string(directory.path().join("real")).unwrap(), "= earlier\n");
    // The name that a checkpoint was once written under.
    let near = run().with(["--checkpoint", "p", "--report", "p.new"]).run_in(directory.path()).await;
    assert_eq!(near.code, Some(0), "{near:?}");
    assert_eq!(fs::read_to_string(directory.path().join("p.new")).unwrap(), "= a\n= b\n");
}

#[tokio::test]
async fn an_earlier_report_stays_until_something_was_compared() {
    let cloud = cloud().await;
    let directory = TempDir::new().unwrap();
    let report = directory.path().join("report");
    fs::write(&report, "= earlier\n").unwrap();
    let denied = FaultResponse::error(403, "AccessDenied", "no").header("x-obs-request-id", "1");
    let fault = Fault::respond(Service::Obs, denied).path_contains("max-keys=");
    let fault = cloud.twin.faults().inject(fault);
    let run = comparison(&cloud).with(["--report", "report"]).run_in(directory.path()).await;
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(!run.stderr.contains("the report"), "{run:?}");
    assert_eq!(fs::read_to_string(&report).unwrap(), "= earlier\n");
    // A checkpoint of one service is none of another.
    let run = || comparison(&cloud).with(["--checkpoint", "checkpoint"]);
    let saved = run().run_in(directory.path()).await;
    assert!(saved.stderr.contains("the same command goes on from here"), "{saved:?}");
    cloud.twin.faults().clear(fault);
    let elsewhere = run().with(["--dest-endpoint", "http://127.0.0.1:9"]).run_in(directory.path()).await;
    assert_eq!(elsewhere.code, Some(2), "{elsewhere:?}");
    assert!(elsewhere.stderr.contains("is of another comparison"), "{elsewhere:?}");
    assert_eq!(run().run_in(directory.path()).await.code, Some(0));
}

#[tokio::test]
async fn a_run_that_could_not_save_does_not_say_that_it_goes_on() {
    let cloud = cloud().await;
    let directory = TempDir::new().unwrap();
    fs::create_dir(directory.path().join("sub")).unwrap();
    let fault = held(&cloud);
    let run = comparison(&cloud).with(["--checkpoint", "sub/checkpoint"]).start_in(directory.path());
    cloud.until(|twin| twin.faults().hits(fault) > 0).await;
    fs::remove_dir_all(directory.path().join("sub")).unwrap();
    cloud.twin.faults().clear(fault);
    let finished = finish(run).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(!finished.stderr.contains("goes on"), "{finished:?}");
}

#[tokio::test]
async fn nothing_compared_is_not_identical() {
    let cloud = cloud().await;
    let none = Copy::new(&cloud.twin, "oss://source/2042", "obs://mirror/2042").comparing();
    let finished = ends_with(3, none.with(["--json"])).await;
    assert_eq!(finished.json()["identical"], false);
    let said = "nothing was compared in oss://source/2042/ and obs://mirror/2042/";
    assert!(finished.stderr.contains(said), "{finished:?}");
    let finished = ends_with(3, comparison(&cloud).with(["--include", "*.jpeg", "--json"])).await;
    assert_eq!(finished.json()["identical"], false);
    assert!(finished.stderr.contains("nothing was compared: nothing matched"), "{finished:?}");
}

#[tokio::test]
async fn a_report_goes_to_standard_output_or_a_device() {
    let cloud = cloud().await;
    for name in ["-", "/dev/stdout"] {
        let finished = ends_with(0, comparison(&cloud).with(["--report", name])).await;
        assert_eq!(finished.stdout, "= a\n= b\n", "{finished:?}");
        assert!(finished.stderr.contains("2 keys: 2 equal"), "{finished:?}");
    }
    ends_with(0, comparison(&cloud).with(["--report", "/dev/null"])).await;
}

/// The command of the page that makes a list of keys of a report.
#[tokio::test]
async fn what_a_report_names_is_copied_whatever_the_keys_are() {
    let keys = ["plain", "with\nline", "\ttab", " blank", "\"quoted\"", "a|b&c\\d", "中"];
    for page in ["arrival.md", "arrival.zh-CN.md"] {
        let page = fs::read_to_string(format!("{}/../../docs/{page}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let recipe = page.lines().find(|line| line.starts_with("sed ")).unwrap();
        let cloud = Cloud::start().await;
        for key in keys {
            put_both(&cloud, &format!("2024/{key}"), key, "");
        }
        let directory = TempDir::new().unwrap();
        let (from, to) = (format!("oss://{SOURCE}/2024/"), format!("obs://{MIRROR}/2024/"));
        let run = || Copy::new(&cloud.twin, &from, &to);
        let compared = run().comparing().with(["--report", "differences.txt"]).run_in(directory.path()).await;
        assert_eq!(compared.code, Some(3), "{compared:?}");
        let made = Command::new("sh").args(["-c", recipe]).current_dir(directory.path()).status().unwrap();
        assert!(made.success());
        let copied = run().with(["-r", "--keys-from", "keys.txt"]).run_in(directory.path()).await;
        assert_eq!(copied.code, Some(0), "{copied:?}");
        for key in keys {
            assert!(cloud.twin.obs().get(MIRROR, &format!("2024/{key}")).is_some(), "{key:?}");
        }
        ends_with(0, run().comparing()).await;
    }
}
