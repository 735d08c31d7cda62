//! User metadata and content headers between any two services, each in its own form.

use cloud_twin::{ObjectHeaders, StoredObject};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::web::{WebReply, WebRequest, WebServer};
use e2e::{Cloud, Copy};
use tempfile::TempDir;

use crate::support::{BACKUP, counts};

const BODY: &str = "content";
const DISPOSITION: &str = "attachment; filename=\"北京.txt\"";
/// As OBS holds it, which takes only ASCII.
const DISPOSITION_OF_OBS: &str = "attachment; filename=%22%E5%8C%97%E4%BA%AC.txt%22";

/// Names and values in the form of each service: what a source there holds, and what a copy there must hold.
const OF_OSS: [(&str, &str); 4] =
    [("a-x2e-b", "plain"), ("file-name", "w"), ("file-x5f-name", "v"), ("place", "北京 100%")];
const OF_OBS: [(&str, &str); 4] =
    [("a.b", "plain"), ("file-name", "w"), ("file_name", "v"), ("place", "%E5%8C%97%E4%BA%AC 100%25")];
const OF_S3: [(&str, &str); 4] =
    [("a.b", "plain"), ("file-name", "w"), ("file_name", "v"), ("place", "=?UTF-8?B?5YyX5LqsIDEwMCU=?=")];

fn headers(metadata: &[(&str, &str)], disposition: &str) -> ObjectHeaders {
    let headers = ObjectHeaders::default().standard("content-disposition", disposition);
    metadata.iter().fold(headers, |headers, (name, value)| headers.user(name, value))
}

fn text(value: &[u8]) -> String {
    String::from_utf8(value.to_vec()).unwrap()
}

fn metadata(object: &StoredObject) -> Vec<(&str, String)> {
    let pairs = object.headers.user.iter().filter(|(name, _)| !name.starts_with("src-"));
    pairs.map(|(name, value)| (name.as_str(), text(value.as_bytes()))).collect()
}

fn disposition(object: &StoredObject) -> Option<String> {
    let mut standard = object.headers.standard.iter();
    standard.find(|(name, _)| name == "content-disposition").map(|(_, value)| text(value.as_bytes()))
}

/// A server that answers as S3 does, with one object.
fn s3(request: &WebRequest) -> WebReply {
    if request.target.contains("list-type=2") {
        let listing = format!(
            "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key><Size>{}</Size>\
             </Contents></ListBucketResult>",
            BODY.len()
        );
        return WebReply::whole(&listing.into());
    }
    let reply = web(request);
    OF_S3.iter().fold(reply, |reply, (name, value)| reply.header(&format!("x-amz-meta-{name}"), *value))
}

/// A web server: what it says of users' metadata is no part of an object.
fn web(request: &WebRequest) -> WebReply {
    WebReply::file(request, &BODY.into())
        .header("etag", "\"e\"")
        .header("content-disposition", DISPOSITION)
        .header("x-oss-meta-foreign", "1")
}

enum To {
    Oss,
    Obs,
    Directory,
}

/// Copies to each kind of destination and looks at what arrived; then again, when nothing is to be done.
async fn arrives(cloud: &Cloud, copy: impl Fn(&str) -> Copy, names: bool) {
    let directory = TempDir::new().unwrap();
    for to in [To::Oss, To::Obs, To::Directory] {
        let place = match to {
            To::Oss => format!("oss://{BACKUP}/k"),
            To::Obs => format!("obs://{MIRROR}/k"),
            To::Directory => directory.path().join("k").to_str().unwrap().to_owned(),
        };
        assert_eq!(counts(0, copy(&place)).await, [1, 0, 0, 0], "{place}");
        let (found, expected, header) = match to {
            To::Oss => (cloud.twin.oss().get(BACKUP, "k").unwrap(), OF_OSS, DISPOSITION),
            To::Obs => (cloud.twin.obs().get(MIRROR, "k").unwrap(), OF_OBS, DISPOSITION_OF_OBS),
            To::Directory => {
                assert_eq!(std::fs::read_to_string(&place).unwrap(), BODY);
                continue;
            }
        };
        assert_eq!(found.body, BODY);
        let expected: Vec<_> = expected.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        assert_eq!(metadata(&found), if names { expected } else { Vec::new() }, "{place}");
        assert_eq!(disposition(&found).as_deref(), Some(header), "{place}");
        assert_eq!(counts(0, copy(&place)).await, [0, 1, 0, 0], "{place}");
    }
}

async fn cloud() -> Cloud {
    let cloud = Cloud::start().await;
    cloud.twin.create_oss_bucket(BACKUP);
    cloud.twin.create_obs_bucket("origin");
    cloud
}

#[tokio::test]
async fn from_oss_to_each() {
    let cloud = cloud().await;
    cloud.twin.oss().put_with(SOURCE, "k", BODY, headers(&OF_OSS, DISPOSITION));
    arrives(&cloud, |to| Copy::new(&cloud.twin, format!("oss://{SOURCE}/k"), to), true).await;
}

#[tokio::test]
async fn from_obs_to_each() {
    let cloud = cloud().await;
    cloud.twin.obs().put_with("origin", "k", BODY, headers(&OF_OBS, DISPOSITION_OF_OBS));
    arrives(&cloud, |to| Copy::new(&cloud.twin, "obs://origin/k", to), true).await;
}

#[tokio::test]
async fn from_s3_to_each() {
    let cloud = cloud().await;
    let server = WebServer::start(s3).await;
    let copy =
        |to: &str| Copy::new(&cloud.twin, "s3://photos/k", to).settings(|settings| settings.and(server.s3()));
    // Nothing proves a file to be the copy of an object without a checksum.
    arrives(&cloud, copy, true).await;
}

#[tokio::test]
async fn from_a_web_server_to_each() {
    let cloud = cloud().await;
    let server = WebServer::start(web).await;
    arrives(&cloud, |to| Copy::new(&cloud.twin, server.url("/k"), to).set("NO_PROXY", "*"), false).await;
}

#[tokio::test]
async fn from_a_directory_to_each_bucket() {
    let cloud = cloud().await;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("k.txt");
    std::fs::write(&path, BODY).unwrap();
    for to in [format!("oss://{BACKUP}/k"), format!("obs://{MIRROR}/k")] {
        let copy = || Copy::new(&cloud.twin, path.to_str().unwrap(), &to);
        assert_eq!(counts(0, copy()).await, [1, 0, 0, 0]);
        assert_eq!(counts(0, copy()).await, [0, 1, 0, 0]);
    }
    let found = [cloud.twin.oss().get(BACKUP, "k").unwrap(), cloud.twin.obs().get(MIRROR, "k").unwrap()];
    for found in found {
        assert_eq!((metadata(&found), disposition(&found)), (Vec::new(), None));
    }
}

#[tokio::test]
async fn a_name_is_what_it_was_after_a_way_there_and_back() {
    let cloud = cloud().await;
    // The second reads as what becomes of the first, the last is nobody's form.
    let names = ["a_b", "a-x5f-b", "a-x2d-x5f-b", "a!b", "plain-xml", "a-x61-b"];
    let pairs: Vec<_> = names.iter().map(|name| (*name, *name)).collect();
    cloud.twin.obs().put_with("origin", "k", BODY, headers(&pairs[..], "inline"));
    let there = Copy::new(&cloud.twin, "obs://origin/k", format!("oss://{BACKUP}/k"));
    assert_eq!(counts(0, there).await, [1, 0, 0, 0]);
    let held = cloud.twin.oss().get(BACKUP, "k").unwrap();
    assert_eq!(metadata(&held).len(), names.len(), "{:?}", metadata(&held));
    let back = Copy::new(&cloud.twin, format!("oss://{BACKUP}/k"), format!("obs://{MIRROR}/k"));
    assert_eq!(counts(0, back).await, [1, 0, 0, 0]);
    let mut expected = names;
    expected.sort_unstable();
    // OBS takes no `!` either, so that this one keeps its escape there.
    let expected: Vec<_> = expected.iter().map(|name| name.replace('!', "-x21-")).collect();
    let returned = cloud.twin.obs().get(MIRROR, "k").unwrap();
    let mut found: Vec<_> = metadata(&returned).into_iter().map(|(name, _)| name.to_owned()).collect();
    found.sort_unstable();
    let mut sorted = expected;
    sorted.sort_unstable();
    assert_eq!(found, sorted);
}
