//! `--keys-from`: lists that go from run to run, of any source, with lines that are no keys, and globs beside them.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use cloud_twin::Service;
use cloud_twin::{Fault, FaultResponse};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Cloud, Copy, WebReply, WebServer};
use tempfile::TempDir;

use crate::support::{all_to_mirror, assert_mirrored, counts, ends_with};

#[tokio::test]
async fn urls_of_a_web_server_are_its_keys() {
    let cloud = Cloud::start().await;
    let server = WebServer::start(|request| match &*request.target {
        "/dir/missing.txt?sig=secret-one" => WebReply::new(404),
        _ => WebReply::file(request, &Bytes::from_static(b"content")).header("etag", "\"v1\""),
    })
    .await;
    let folder = TempDir::new().unwrap();
    let list = folder.path().join("list");
    let list = list.to_str().unwrap();
    let run =
        |from: &str| Copy::new(&cloud.twin, server.url(from), format!("obs://{MIRROR}/in")).with(["-r"]);
    let urls = |targets: &[&str]| targets.iter().map(|target| server.url(target) + "\n").collect::<String>();
    let good = urls(&["/dir/a%20b.txt?sig=secret-one", "/dir/sub/%E6%B5%8B.txt", "/dir/x%2Fy"]);
    for (from, input) in
        [("/dir/", good.clone()), ("/dir", good.replace('\n', "\r\n")), ("/dir/?all", good.clone())]
    {
        let copy = run(from).with(["--force", "--keys-from", "-"]).input(input);
        assert_eq!(counts(0, copy).await, [3, 0, 0, 0], "{from}");
        let keys = ["in/a b.txt", "in/sub/测.txt", "in/x%2Fy"];
        assert_eq!(cloud.twin.obs().keys(MIRROR), keys, "{from}");
    }
    let some = || run("/dir/").with(["--force", "--keys-from", "-"]).input(good.clone());
    assert_eq!(counts(0, some().with(["--include", "*.txt", "--exclude", "sub/*"])).await, [1, 0, 0, 0]);

    // What fails is listed so that the next run asks for the same, and no line shows a user.
    let with_user = server.url("/dir/u").replacen("http://", "http://us:hush@", 1);
    let bad = format!(
        "{}{with_user}\n{}\nrelative.txt\n",
        urls(&["/dir/missing.txt?sig=secret-one", "/dir/../e/a"]),
        "http://us:hush@seven/q@h/x"
    );
    let copy = run("/dir/").with(["--keys-from", "-", "--failed-list", list]);
    let finished = ends_with(3, copy.input(bad)).await;
    for text in ["lie below", "line 3: ", "with a user in it", "line 4: ", "write a /", "line 5: no URL"] {
        assert!(finished.stderr.contains(text), "{text}: {finished:?}");
    }
    let listed = fs::read_to_string(list).unwrap();
    assert_eq!(listed.lines().count(), 5, "{listed}");
    assert!(listed.contains("missing.txt?sig=secret-one"), "{listed}");
    for secret in ["hush", "seven", "us:"] {
        assert!(
            !finished.stderr.contains(secret) && !listed.contains(secret),
            "{secret}: {listed} {finished:?}"
        );
    }
    assert!(!finished.stderr.contains("secret-one"), "{finished:?}");
    let again = ends_with(3, run("/dir/").with(["--json", "--keys-from", list])).await;
    assert!(again.stderr.contains("/dir/missing.txt"), "{again:?}");
    assert_eq!(again.json()["failed"], 5, "{again:?}");
}

#[tokio::test]
async fn a_directory_that_stays_unreadable_stands_in_every_list_as_in_the_first() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    let near = folder.path().join("tree");
    let unread = format!("{}/{}", "m".repeat(200), "n".repeat(200));
    fs::create_dir_all(near.join(&unread)).unwrap();
    fs::write(near.join(&unread).join("hidden"), "content").unwrap();
    // So far down that its path is longer than the system takes: that is refused to root, too.
    let far = folder.path().join(vec!["p".repeat(250); 15].join("/")).join("tree");
    fs::create_dir_all(far.parent().unwrap()).unwrap();
    fs::rename(&near, &far).unwrap();
    let run =
        |root: &Path| Copy::new(&cloud.twin, root.to_str().unwrap(), format!("obs://{MIRROR}")).with(["-r"]);
    let lists: Vec<_> = (0..4).map(|number| format!("{}/{number}", folder.path().display())).collect();
    assert_eq!(counts(3, run(&far).with(["--failed-list", &lists[0]])).await, [0, 0, 0, 1]);
    for number in 1..4 {
        let again = run(&far).with(["--keys-from", &lists[number - 1], "--failed-list", &lists[number]]);
        assert_eq!(counts(3, again).await, [0, 0, 0, 1], "{number}");
        assert_eq!(fs::read_to_string(&lists[number]).unwrap(), format!("{unread}/\n"), "{number}");
    }
    fs::rename(&far, &near).unwrap();
    assert_eq!(counts(0, run(&near).with(["--keys-from", &lists[3]])).await, [1, 0, 0, 0]);
    // As earlier versions wrote it.
    let old = run(&near).with(["--keys-from", "-", "--force"]).input(format!("{unread}//\n"));
    assert_eq!(counts(0, old).await, [1, 0, 0, 0]);
    assert_mirrored(&cloud, &format!("{unread}/hidden"), "content");
}

#[tokio::test]
async fn a_line_that_is_not_utf_8_is_one_failure_with_its_number() {
    let cloud = Cloud::start().await;
    for key in ["first", "second", "last"] {
        cloud.twin.oss().put(SOURCE, key, key);
    }
    let folder = TempDir::new().unwrap();
    let list = folder.path().join("failed");
    let list = list.to_str().unwrap();
    let copy = all_to_mirror(&cloud).with(["--keys-from", "-", "--failed-list", list, "--json"]);
    let finished = ends_with(3, copy.input(b"first\n\ncaf\xe9\r\nsecond\r\nlast\r")).await;
    assert!(finished.stderr.contains("line 3: not UTF-8"), "{finished:?}");
    let result = finished.json();
    assert_eq!((&result["copied"], &result["failed"]), (&3.into(), &1.into()), "{finished:?}");
    assert_eq!(fs::read_to_string(list).unwrap(), "\"caf\\udce9\"\n");
    assert_eq!(counts(3, all_to_mirror(&cloud).with(["--keys-from", list])).await, [0, 0, 0, 1]);
}

#[tokio::test]
async fn globs_hold_for_a_list_and_hide_no_line_that_is_no_key() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("d")).unwrap();
    for key in ["a.jpg", "b.txt", "d/c.jpg", "d/e.txt"] {
        cloud.twin.oss().put(SOURCE, key, key);
        fs::write(folder.path().join(key), key).unwrap();
    }
    let local = Copy::new(&cloud.twin, folder.path().to_str().unwrap(), format!("obs://{MIRROR}"));
    let filtered = |copy: Copy| {
        copy.with(["-r", "--force", "--keys-from", "-", "--include", "*.jpg,*.txt", "--exclude", "b*,*/e*"])
    };
    let from_bucket = Copy::new(&cloud.twin, format!("oss://{SOURCE}"), format!("obs://{MIRROR}"));
    for (copy, input) in [(from_bucket, "a.jpg\nb.txt\nd/c.jpg\nd/e.txt\n"), (local, "a.jpg\nb.txt\nd/\n")] {
        assert_eq!(counts(0, filtered(copy.clone()).input(input)).await, [2, 0, 0, 0], "{input}");
        assert_eq!(cloud.twin.obs().keys(MIRROR), ["a.jpg", "d/c.jpg"], "{input}");
        let bad = format!("{input}\"half\n");
        let finished = ends_with(3, filtered(copy).input(bad)).await;
        assert!(finished.stderr.contains("no JSON string"), "{finished:?}");
    }
    // The list of what failed holds nothing that was not asked for.
    let refused = FaultResponse::error(400, "InvalidArgument", "not today");
    cloud.twin.faults().inject(Fault::respond(Service::Obs, refused).method("PUT"));
    let list = folder.path().join("failed");
    let copy = filtered(Copy::new(&cloud.twin, format!("oss://{SOURCE}"), format!("obs://{MIRROR}")));
    ends_with(3, copy.with(["--failed-list", list.to_str().unwrap()]).input("a.jpg\nb.txt\n")).await;
    assert_eq!(fs::read_to_string(list).unwrap(), "a.jpg\n");
}
