//! Input that people make: lists, addresses, settings, globs of `copy`.

use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Cloud, Copy};
use tempfile::TempDir;

use crate::support::{all_to_mirror, counts, ends_with};

#[tokio::test]
async fn a_list_may_begin_with_a_mark_end_its_lines_in_two_bytes_and_hold_addresses() {
    let cloud = Cloud::start().await;
    for key in ["first", "second", "third", "\u{feff}marked", "oss://source/odd"] {
        cloud.twin.oss().put(SOURCE, key, key);
    }
    let directory = TempDir::new().unwrap();
    let list = directory.path().join("list");
    let run = |text: &[u8]| {
        std::fs::write(&list, text).unwrap();
        all_to_mirror(&cloud).with(["--keys-from", list.to_str().unwrap()])
    };
    let text = format!("\u{feff}first\r\nsecond\r\noss://{SOURCE}/third\r\n");
    assert_eq!(counts(0, run(text.as_bytes())).await, [3, 0, 0, 0]);
    // Keys that are no slips stand in a list as JSON.
    assert_eq!(counts(0, run(b"\"\\ufeffmarked\"\n\"oss://source/odd\"\n")).await, [2, 0, 0, 0]);
    assert_eq!(cloud.twin.obs().keys(MIRROR).len(), 5);

    for (text, line, remedy) in [
        ("first\noss://other/third\n", "line 2: ", "correct SRC"),
        ("first\n\u{feff}second\n", "line 2: ", "is meant"),
    ] {
        let finished = ends_with(3, run(text.as_bytes())).await;
        assert!(finished.stderr.contains(line) && finished.stderr.contains(remedy), "{finished:?}");
    }
    let foreign = ends_with(2, run(b"\xff\xfef\0i\0")).await;
    assert!(foreign.stderr.contains("is UTF-16"), "{foreign:?}");
}

#[tokio::test]
async fn what_a_failed_run_lists_is_no_slip_for_the_next() {
    let cloud = Cloud::start().await;
    let keys = ["\u{feff}a", "oss://source/b", "esc\u{1b}[2J", "turned\u{202e}gpj.exe", "plain"];
    for key in keys {
        cloud.twin.oss().put(SOURCE, key, key);
    }
    let refused = cloud_twin::FaultResponse::error(400, "InvalidArgument", "not today");
    let fault = cloud_twin::Fault::respond(cloud_twin::Service::Obs, refused).method("PUT");
    let fault = cloud.twin.faults().inject(fault);
    let directory = TempDir::new().unwrap();
    let list = directory.path().join("list");
    let list = list.to_str().unwrap();
    ends_with(3, all_to_mirror(&cloud).with(["--failed-list", list])).await;
    cloud.twin.faults().clear(fault);
    assert_eq!(counts(0, all_to_mirror(&cloud).with(["--keys-from", list])).await, [5, 0, 0, 0]);
}

#[tokio::test]
async fn an_address_with_a_slip_is_no_local_path() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a", "x");
    let mirror = format!("obs://{MIRROR}");
    for (from, to, probably) in [
        ("oss:/source/", &*mirror, "oss://source"),
        ("oss:///source/a", &mirror, "oss://source/a"),
        ("oss：//source//", "obs:/mirror/b/", "obs://mirror/b/"),
        ("https:/example.com/a", &mirror, "https://example.com/a"),
        ("s3:/photos/a", &mirror, "s3://photos/a"),
        (
            "https://source.oss-cn-hangzhou.aliyuncs.com",
            "https://mirror.obs.cn-north-4.myhuaweicloud.com/b",
            "",
        ),
    ] {
        let finished = ends_with(2, Copy::new(&cloud.twin, from, to).with(["-r"])).await;
        assert!(finished.stderr.contains(probably), "{finished:?}");
        assert!(!finished.stderr.contains("is not a directory"), "{finished:?}");
    }
    let mended = Copy::new(&cloud.twin, format!("OSS://{SOURCE}"), &mirror).with(["-r"]);
    assert_eq!(counts(0, mended).await, [1, 0, 0, 0]);
}

#[tokio::test]
async fn a_path_that_begins_as_an_address_is_taken_only_where_it_is_there() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a", "x");
    let folder = TempDir::new().unwrap();
    let from = format!("oss://{SOURCE}/a");
    let mirror = format!("obs://{MIRROR}");
    for (from, to, probably, path) in [
        (&*from, "obs:dst/l", "obs://dst/l", "./obs:dst/l"),
        (&from, "obs//dst/l", "obs://dst/l", "./obs//dst/l"),
        (&from, "OBS：dst", "obs://dst", "./OBS：dst"),
        ("oss:src/l", &mirror, "oss://src/l", "./oss:src/l"),
        ("oss//src/l", &mirror, "oss://src/l", "./oss//src/l"),
        ("s3:src", &mirror, "s3://src", "./s3:src"),
        ("https:u:hush@h/a", &mirror, "https://***@h/a", "./***@h/a"),
    ] {
        for arguments in [&[][..], &["-r"], &["--dry-run"]] {
            let copy = Copy::new(&cloud.twin, from, to).with(arguments.iter().copied());
            let finished = copy.run_in(folder.path()).await;
            assert_eq!(finished.code, Some(2), "{from} {to}: {finished:?}");
            for text in [probably, path] {
                assert!(finished.stderr.contains(&format!("{text:?}")), "{text}: {finished:?}");
            }
            assert!(!finished.stderr.contains("hush"), "{finished:?}");
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
    // By its path, and where there is such a thing.
    for to in ["./obs:new", "obs:there"] {
        std::fs::create_dir_all(folder.path().join("obs:there")).unwrap();
        let finished = Copy::new(&cloud.twin, &from, to).run_in(folder.path()).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }
    assert_eq!(std::fs::read(folder.path().join("obs:new")).unwrap(), b"x");
    assert_eq!(std::fs::read(folder.path().join("obs:there/a")).unwrap(), b"x");
    let finished = Copy::new(&cloud.twin, "obs:there/a", &mirror).run_in(folder.path()).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
}

#[tokio::test]
async fn settings_with_one_meaning_are_mended() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a", "x");
    let region = cloud.twin.region().to_owned();
    for region in [format!("{region}-internal"), format!("oss-{region}"), format!("\"{region}\"\r"), region] {
        let copy = all_to_mirror(&cloud).with(["--force"]).set("OSS_REGION", &region);
        assert_eq!(counts(0, copy).await, [1, 0, 0, 0], "{region:?}");
    }
    let endpoint = format!(" '{}/'\r", cloud.twin.oss_url());
    let copy = all_to_mirror(&cloud).with(["--force"]).set("OSS_ENDPOINT", endpoint);
    assert_eq!(counts(0, copy.set("OSS_SIGNATURE", "Ｖ4")).await, [1, 0, 0, 0]);
}

#[tokio::test]
async fn settings_that_cannot_be_meant_are_named_with_what_is() {
    let cloud = Cloud::start().await;
    for (name, value, probably) in [
        ("OSS_REGION", "杭州", "is no region"),
        ("OSS_ENDPOINT", "source.oss-cn-hangzhou.aliyuncs.com", "\"oss-cn-hangzhou.aliyuncs.com\""),
        (
            "OSS_ENDPOINT",
            "https://oss-cn-hangzhou.aliyuncs.com/source",
            "\"https://oss-cn-hangzhou.aliyuncs.com\"",
        ),
        ("OSS_ENDPOINT", "https://user:hush@oss.example.com", "https://***@oss.example.com"),
        ("DEST_ENDPOINT", "oss-cn-hangzhou.aliyuncs.com", "Huawei Cloud OBS"),
        ("DEST_ENDPOINT", "https://obs.example.com/?token=hush", "?***"),
    ] {
        let finished = ends_with(2, all_to_mirror(&cloud).set(name, value)).await;
        assert!(finished.stderr.contains(&format!("{name}: ")), "{finished:?}");
        assert!(finished.stderr.contains(probably), "{finished:?}");
        assert!(!finished.stderr.contains("hush"), "{finished:?}");
    }
}

#[tokio::test]
async fn a_setting_that_is_set_and_empty_is_not_set() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a", "x");
    for blank in ["", " ", "\"\""] {
        let mut copy = all_to_mirror(&cloud).with(["--force"]);
        for name in [
            "LOG_FORMAT",
            "RUST_LOG",
            "OSS_SIGNATURE",
            "SOURCE_ENDPOINT",
            "DEST_REGION",
            "DEST_AK",
            "DEST_SK",
            "DEST_SECURITY_TOKEN",
            "AWS_REGION",
            "HW_SECURITY_TOKEN",
            "FC_REGION",
            "ALIBABA_CLOUD_SECURITY_TOKEN",
        ] {
            copy = copy.set(name, blank);
        }
        assert_eq!(counts(0, copy).await, [1, 0, 0, 0], "{blank:?}");
    }
}

#[tokio::test]
async fn globs_match_characters_and_empty_alternatives() {
    let cloud = Cloud::start().await;
    for key in ["第一章/a.txt", "第十二章/a.txt", "a测.txt", "aé.txt", "b.jpg", "b.jpeg", "b.gif"] {
        cloud.twin.oss().put(SOURCE, key, key);
    }
    let globs = "第?章/*,a[é测].txt,b.jp{,e}g";
    assert_eq!(counts(0, all_to_mirror(&cloud).with(["--include", globs])).await, [5, 0, 0, 0]);
    let mut expected = ["第一章/a.txt", "a测.txt", "aé.txt", "b.jpg", "b.jpeg"];
    expected.sort_unstable();
    assert_eq!(cloud.twin.obs().keys(MIRROR), expected);
    assert_eq!(counts(0, all_to_mirror(&cloud).with(["--exclude", globs])).await, [2, 0, 0, 0]);
    for glob in ["a[", "{a", "a}", "[z-a]", "oss://source/*"] {
        let finished = ends_with(2, all_to_mirror(&cloud).with(["--exclude", glob])).await;
        assert!(finished.stderr.contains("--exclude: the glob"), "{finished:?}");
    }
}

#[tokio::test]
async fn what_others_wrote_does_nothing_to_a_terminal() {
    let cloud = Cloud::start().await;
    let key = "esc\u{1b}[2J\u{9b}31m\u{202e}\nline";
    cloud.twin.oss().put(SOURCE, key, "x");
    let refused = cloud_twin::FaultResponse::error(400, "InvalidArgument", "no\u{9b}2J\u{202e} for you");
    cloud.twin.faults().inject(cloud_twin::Fault::respond(cloud_twin::Service::Obs, refused).method("PUT"));
    for arguments in [&["--dry-run"][..], &[], &["--json"], &["--log-format", "json"]] {
        let finished = all_to_mirror(&cloud).with(arguments.iter().copied()).run().await;
        for text in [&finished.stdout, &finished.stderr] {
            let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.contains(acts), "{arguments:?}: {text:?}");
        }
        let told = finished.stdout + &finished.stderr;
        assert!(told.contains("esc"), "{arguments:?}: {told:?}");
    }
}
