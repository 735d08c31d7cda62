//! Runs that are told to stop: what they finish, what they leave, and that the next run goes on from there.

use std::fs;
use std::path::Path;

use cloud_twin::{Fault, FaultAction, FaultId, ObjectHeaders, ObsCrc64, Service, Twin};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::copy::{bytes, finish};
use e2e::process::Process;
use e2e::{Cloud, Copy, OmsBridge};
use tempfile::TempDir;

use crate::support::{
    PART, SMALL_PARTS, all_to_mirror, assert_mirrored, assert_nothing_mirrored, counts, in_parts, succeeded,
    to_mirror,
};

const PARTS: usize = 12;

/// Parts that arrive before the others are held back.
const ARRIVED: u64 = 3;

/// Parts, or objects, that are sent at once.
const TWO: [&str; 2] = ["--concurrency", "2"];

async fn cloud() -> (Cloud, Vec<u8>) {
    let cloud = Cloud::start().await;
    let content = bytes(1, PARTS * PART - 7).to_vec();
    cloud.twin.oss().put(SOURCE, "a", content.clone());
    (cloud, content)
}

/// Holds back what is written to OBS, but for the first requests.
fn hold(cloud: &Cloud, path: &str) -> FaultId {
    let held = Fault::new(Service::Obs, FaultAction::Hold).method("PUT").path_contains(path).after(ARRIVED);
    cloud.twin.faults().inject(held)
}

/// Starts a run, and interrupts it once two requests are held back. Returns when it has said so.
async fn interrupted(cloud: &Cloud, held: FaultId, copy: &Copy, directory: &Path, signal: &str) -> Process {
    let process = copy.clone().with(TWO).start_in(directory);
    cloud.until(|twin| twin.faults().hits(held) >= 2).await;
    process.signal(signal).await;
    process.line(|line| line.contains("Ctrl-C again ends now").then_some(())).await;
    process
}

fn parts(twin: &Twin) -> u64 {
    succeeded(twin, Service::Obs, "UploadPart")
}

#[tokio::test]
async fn a_large_object_ends_at_a_part_and_the_next_run_sends_only_what_is_missing() {
    for signal in ["INT", "TERM"] {
        let (cloud, content) = cloud().await;
        let (held, directory) = (hold(&cloud, "partNumber"), TempDir::new().unwrap());
        let process =
            interrupted(&cloud, held, &in_parts(&cloud, "a").with(["--json"]), directory.path(), signal)
                .await;
        cloud.twin.faults().clear(held);
        let finished = finish(process).await;
        assert_eq!(finished.code, Some(130), "{finished:?}");
        assert!(finished.stderr.contains("finishing 1 object; Ctrl-C again"), "{finished:?}");
        assert!(
            finished.stderr.contains("ended at a part: 1 object; the next run sends only"),
            "{finished:?}"
        );
        assert!(finished.stderr.contains("the same command goes on from here"), "{finished:?}");
        let result = finished.json();
        assert_eq!(
            (result["unfinished"].as_u64(), result["failed"].as_u64()),
            (Some(1), Some(0)),
            "{result}"
        );
        // The two that were held back were finished, and no other was begun.
        assert_eq!(parts(&cloud.twin), ARRIVED + 2);
        assert_eq!(counts(0, in_parts(&cloud, "a")).await, [1, 0, 0, 0]);
        assert_mirrored(&cloud, "a", &content);
        assert_eq!(parts(&cloud.twin), PARTS as u64);
        assert_eq!(cloud.twin.stats().requests(Service::Obs, "InitiateMultipartUpload"), 1);
    }
}

#[tokio::test]
async fn a_file_that_ended_at_a_part_is_gone_on_with_though_nothing_names_its_checksum() {
    let (cloud, content) = cloud().await;
    let (held, directory) = (hold(&cloud, "partNumber"), TempDir::new().unwrap());
    let file = directory.path().join("file");
    fs::write(&file, &content).unwrap();
    let copy =
        Copy::new(&cloud.twin, file.display().to_string(), format!("obs://{MIRROR}/a")).with(SMALL_PARTS);
    let process = interrupted(&cloud, held, &copy, directory.path(), "INT").await;
    cloud.twin.faults().clear(held);
    assert_eq!(finish(process).await.code, Some(130));
    assert_eq!(counts(0, copy).await, [1, 0, 0, 0]);
    assert_mirrored(&cloud, "a", &content);
    assert_eq!(parts(&cloud.twin), PARTS as u64);
}

#[tokio::test]
async fn parts_of_a_file_that_changed_since_are_sent_again() {
    let (cloud, mut content) = cloud().await;
    let (held, directory) = (hold(&cloud, "partNumber"), TempDir::new().unwrap());
    let file = directory.path().join("file");
    fs::write(&file, &content).unwrap();
    let modified = fs::metadata(&file).unwrap().modified().unwrap();
    let copy =
        Copy::new(&cloud.twin, file.display().to_string(), format!("obs://{MIRROR}/a")).with(SMALL_PARTS);
    let process = interrupted(&cloud, held, &copy, directory.path(), "INT").await;
    cloud.twin.faults().clear(held);
    assert_eq!(finish(process).await.code, Some(130));
    content[PART + 1] ^= 1;
    fs::write(&file, &content).unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
    assert_eq!(counts(0, copy).await, [1, 0, 0, 0]);
    assert_mirrored(&cloud, "a", &content);
    assert_eq!(parts(&cloud.twin), PARTS as u64 + 1);
}

#[tokio::test]
async fn an_upload_that_no_run_would_find_is_removed_and_said_to_begin_again() {
    let (tagged, content) = cloud().await;
    let headers = ObjectHeaders::default().tag("colour", "blue");
    tagged.twin.oss().put_with(SOURCE, "a", content, headers);
    let absent = Cloud::with(Twin::builder().obs_crc64(ObsCrc64::Absent)).await;
    absent.twin.oss().put(SOURCE, "a", bytes(1, PARTS * PART - 7).to_vec());
    for (cloud, arguments) in [(tagged, &["--preserve", "tags"][..]), (absent, &[])] {
        let (held, directory) = (hold(&cloud, "partNumber"), TempDir::new().unwrap());
        let copy = in_parts(&cloud, "a").with(arguments.iter().copied());
        let process = interrupted(&cloud, held, &copy, directory.path(), "INT").await;
        cloud.twin.faults().clear(held);
        let finished = finish(process).await;
        assert_eq!(finished.code, Some(130), "{finished:?}");
        assert!(finished.stderr.contains("copied from the start by the next run: 1 object"), "{finished:?}");
        assert_nothing_mirrored(&cloud, "a");
    }
}

#[tokio::test]
async fn a_second_interrupt_ends_at_once_and_says_what_is_open_and_how_to_remove_it() {
    let (cloud, _) = cloud().await;
    let (held, directory) = (hold(&cloud, "partNumber"), TempDir::new().unwrap());
    let copy = in_parts(&cloud, "a").with(["--json"]);
    let process = interrupted(&cloud, held, &copy, directory.path(), "INT").await;
    process.signal("INT").await;
    let finished = finish(process).await;
    assert_eq!(finished.code, Some(130), "{finished:?}");
    let result = finished.json();
    assert_eq!((result["unfinished"].as_u64(), result["copied"].as_u64()), (Some(1), Some(0)), "{result}");
    assert!(finished.stderr.contains("not finished: 1 object"), "{finished:?}");
    assert!(finished.stderr.contains("1 upload in parts open"), "{finished:?}");
    let command = finished.stderr.split('`').find(|text| text.starts_with("oms-bridge copy --abort-stale"));
    let arguments = command.unwrap().split(' ').skip(1);
    let clean = copy.settings_of(OmsBridge::new(arguments)).run().await;
    assert_eq!(clean.code, Some(0), "{clean:?}");
    assert_nothing_mirrored(&cloud, "a");
}

#[tokio::test]
async fn small_objects_are_finished_and_the_summary_says_how_far_the_listing_came() {
    for (arguments, then) in [
        (&[][..], "the same command goes on from here"),
        (&["--force"], "the same command begins again; without --force it goes on from here"),
    ] {
        let cloud = Cloud::start().await;
        for number in 0..50 {
            cloud.twin.oss().put(SOURCE, &format!("{number:02}"), "small");
        }
        let (held, directory) = (hold(&cloud, MIRROR), TempDir::new().unwrap());
        let copy = all_to_mirror(&cloud).with(["--json"]).with(arguments.iter().copied());
        let process = interrupted(&cloud, held, &copy, directory.path(), "INT").await;
        assert!(process.stderr().contains("finishing 2 objects; Ctrl-C again"), "{}", process.stderr());
        cloud.twin.faults().clear(held);
        let finished = finish(process).await;
        assert_eq!(finished.code, Some(130), "{finished:?}");
        assert_eq!(finished.json()["copied"], ARRIVED + 2, "{finished:?}");
        assert!(
            finished.stderr.contains("the listing stopped at 04; what follows was not begun"),
            "{finished:?}"
        );
        assert!(finished.stderr.contains(then), "{finished:?}");
        assert_eq!(counts(0, all_to_mirror(&cloud)).await, [50 - ARRIVED - 2, ARRIVED + 2, 0, 0]);
    }
}

#[tokio::test]
async fn a_large_download_ends_and_leaves_no_file() {
    for times in [1, 2] {
        let (cloud, _) = cloud().await;
        let directory = TempDir::new().unwrap();
        let target = directory.path().join("new");
        let copy = Copy::new(&cloud.twin, format!("oss://{SOURCE}/a"), target.display().to_string());
        let slow = copy.with(SMALL_PARTS).with(["--bwlimit", "20K", "--json"]);
        let process = slow.start_in(directory.path());
        cloud.until(|twin| twin.stats().requests(Service::Oss, "GetObject") > 0).await;
        for _ in 0..times {
            process.signal("INT").await;
        }
        let finished = finish(process).await;
        assert_eq!(finished.code, Some(130), "{finished:?}");
        assert_eq!(finished.json()["unfinished"], 1, "{finished:?}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "{finished:?}");
    }
}

#[tokio::test]
async fn an_object_of_one_request_is_finished() {
    let (cloud, content) = cloud().await;
    let held = Fault::new(Service::Obs, FaultAction::Hold).method("PUT").key_contains("a");
    let (held, directory) = (cloud.twin.faults().inject(held), TempDir::new().unwrap());
    let process = to_mirror(&cloud, "a").with(["--json"]).start_in(directory.path());
    cloud.until(|twin| twin.faults().hits(held) > 0).await;
    process.signal("INT").await;
    process.line(|line| line.contains("finishing 1 object;").then_some(())).await;
    cloud.twin.faults().clear(held);
    let finished = finish(process).await;
    assert_eq!((finished.code, finished.json()["copied"].as_u64()), (Some(130), Some(1)), "{finished:?}");
    assert_mirrored(&cloud, "a", content);
}
