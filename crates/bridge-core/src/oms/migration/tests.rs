//! Migration tasks against the local cloud.

use std::sync::Arc;

use e2e::Cloud;
use e2e::cloud::{MIRROR, SOURCE};
use e2e::cloud_twin::{Account, Fault, FaultResponse, ObjectHeaders, Service, Twin};
use http_client::Proxies;
use object_copy::clock;
use signature_breaker::Breakers;

use super::*;

const LIST: &str = "oms_source_record/object_lists/a.txt";

fn credentials(account: &Account) -> Arc<oss_lite::Credentials> {
    let credentials = oss_lite::Credentials::new(&account.access_key, account.secret_key.clone());
    Arc::new(match &account.security_token {
        Some(token) => credentials.with_security_token(token.clone()),
        None => credentials,
    })
}

fn api(cloud: &Cloud) -> MigrationApi {
    let huawei = cloud.twin.huawei_account();
    let credentials = Credentials::new(&huawei.access_key, huawei.secret_key.clone());
    let target = SyncUrl::parse(&cloud.twin.sync_url(&cloud.task)).unwrap();
    let breaker = Breakers::new(clock::system).of_oms(&credentials);
    MigrationApi::new(http_client::build(Proxies::None).unwrap(), &target, credentials, breaker)
}

fn order(cloud: &Cloud, account: &Account) -> MigrationOrder {
    MigrationOrder {
        source: SourceNode {
            cloud: SourceCloud::Aliyun,
            region: "cn-hangzhou".into(),
            bucket: SOURCE.into(),
            credentials: credentials(account),
        },
        destination: DestinationNode {
            region: "cn-north-4".into(),
            bucket: MIRROR.into(),
            credentials: credentials(cloud.twin.huawei_account()),
            save_prefix: String::new(),
        },
        list: ListFile { bucket: MIRROR.into(), key: LIST.into() },
        description: "oms-bridge 7".into(),
    }
}

/// Puts the list with `keys`, and the objects that it names to the source.
fn put_list(cloud: &Cloud, keys: &[&str]) {
    let mut list = list::ObjectList::default();
    for key in keys {
        assert!(list.add(key));
        cloud.twin.oss().put(SOURCE, key, format!("of {key}"));
    }
    let headers = ObjectHeaders::default().content_type(list::CONTENT_TYPE);
    cloud.twin.obs().put_with(MIRROR, LIST, list.take(1).unwrap(), headers);
}

async fn ended(cloud: &Cloud, api: &MigrationApi, id: u64) -> MigrationTask {
    cloud.until(Twin::is_idle).await;
    api.show(id, clock::system()).await.unwrap()
}

const AWKWARD: [&str; 5] = ["a b", "a+b,c\t;d", "dir/测试", "100%", "line\nbreak"];

#[tokio::test]
async fn a_task_copies_what_its_list_names_and_nothing_else() {
    let (cloud, now) = (Cloud::start().await, clock::system());
    put_list(&cloud, &AWKWARD);
    cloud.twin.oss().put(SOURCE, "not on the list", "x");
    // Of the same size and newer, which OMS leaves alone unless it is told otherwise.
    cloud.twin.obs().put(MIRROR, "a b", "no a b");
    let api = api(&cloud);
    let created = api.create(&order(&cloud, cloud.twin.function_account()), now).await.unwrap();
    let task = ended(&cloud, &api, created.id).await;
    assert_eq!((task.state(), task.total_num, task.successful_num), (TaskState::Succeeded, 5, 5), "{task:?}");
    assert_eq!(&*task.name, &*created.task_name);
    for key in AWKWARD {
        let copy = cloud.twin.obs().get(MIRROR, key).unwrap_or_else(|| panic!("{key:?} did not arrive"));
        assert_eq!(copy.body, format!("of {key}"), "{key:?}");
    }
    assert!(cloud.twin.obs().get(MIRROR, "not on the list").is_none());
}

#[tokio::test]
async fn what_failed_is_on_a_list_that_can_be_read() {
    let (cloud, now) = (Cloud::start().await, clock::system());
    put_list(&cloud, &AWKWARD);
    cloud.twin.faults().inject(Fault::fail_copy(",c", "TRF.0152"));
    cloud.twin.faults().inject(Fault::fail_copy("line", "TRF.0152"));
    let api = api(&cloud);
    let created = api.create(&order(&cloud, cloud.twin.oss_account()), now).await.unwrap();
    let task = ended(&cloud, &api, created.id).await;
    assert_eq!((task.state(), task.failed_num), (TaskState::Failed, 2), "{task:?}");
    assert_eq!(task.failure().unwrap().error_code, "TRF.0004");
    let list = cloud.twin.obs().get(MIRROR, task.failed_list().unwrap()).unwrap();
    let list = bytes_of(&list.body);
    // A line break within a key ends the line: the key cannot be proved, and is not made up.
    let failed: Vec<_> = list.lines().filter_map(failures::parse).map(|failed| failed.key).collect();
    assert_eq!(failed, ["a+b,c\t;d"], "{list}");
}

fn bytes_of(content: &[u8]) -> String {
    String::from_utf8(content.to_vec()).unwrap()
}

#[tokio::test]
async fn a_task_is_found_by_its_description() {
    let (cloud, now) = (Cloud::start().await, clock::system());
    let (api, mut order) = (api(&cloud), order(&cloud, cloud.twin.oss_account()));
    for number in 0..120 {
        order.description = format!("oms-bridge {number}");
        api.create(&order, now).await.unwrap();
    }
    let find = async |description: &str| api.find(|task| task.description == description, now).await.unwrap();
    assert_eq!(find("oms-bridge 3").await.unwrap().description, "oms-bridge 3");
    assert_eq!(find("oms-bridge 120").await, None);
}

#[tokio::test]
async fn why_a_task_failed_as_a_whole_is_read() {
    let (cloud, now) = (Cloud::start().await, clock::system());
    let api = api(&cloud);
    let wrong = Account::permanent(&cloud.twin.oss_account().access_key, "another secret");
    for (account, list, code) in [
        (&wrong, Some("a"), "TRF.0151"),
        (cloud.twin.oss_account(), None, "TRF.0013"),
        (cloud.twin.oss_account(), Some(""), "TRF.0017"),
        (cloud.twin.oss_account(), Some("gone\n"), "TRF.0012"),
    ] {
        cloud.twin.obs().delete(MIRROR, LIST);
        if let Some(text) = list {
            let headers = ObjectHeaders::default().content_type(list::CONTENT_TYPE);
            cloud.twin.obs().put_with(MIRROR, LIST, text.to_owned(), headers);
        }
        let created = api.create(&order(&cloud, account), now).await.unwrap();
        let task = ended(&cloud, &api, created.id).await;
        assert_eq!(task.state(), TaskState::Failed);
        assert_eq!(task.failure().unwrap().error_code, code, "{task:?}");
    }
}

#[tokio::test]
async fn an_answer_that_repeats_the_request_shows_no_secret() {
    let cloud = Cloud::start().await;
    let (source, huawei) = (cloud.twin.function_account(), cloud.twin.huawei_account());
    let secrets = [&*source.secret_key, source.security_token.as_deref().unwrap(), &*huawei.secret_key];
    for secret in secrets {
        // Whole, and where the text is cut within it.
        for before in [0, 490] {
            let echo = format!("bad body: {}{secret} {}", ".".repeat(before), secrets.concat());
            let body = format!(r#"{{"error_code":"OMS.0064","error_msg":"{echo}"}}"#);
            let response = FaultResponse::error(400, "", "").body(body);
            cloud.twin.faults().inject(Fault::respond(Service::Oms, response).times(1));
            let error = api(&cloud).create(&order(&cloud, source), clock::system()).await.unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains("bad body"), "{text}");
            for secret in secrets {
                assert!(!text.contains(&secret[..4]), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn a_long_page_of_tasks_is_read_and_one_that_is_too_long_says_so() {
    let cloud = Cloud::start().await;
    let listed = |prefixes: usize| {
        let node = serde_json::json!({"object_key": vec!["p".repeat(1000); prefixes]});
        let task = serde_json::json!({"id": 7, "status": 2, "description": "oms-bridge 7", "src_node": node});
        let body = serde_json::json!({"tasks": [task], "count": 1}).to_string();
        Fault::respond(Service::Oms, FaultResponse::error(200, "", "").body(body))
    };
    let find = async || api(&cloud).find(|task| task.id == 7, clock::system()).await;
    cloud.twin.faults().inject(listed(2000).times(1));
    assert_eq!(find().await.unwrap().unwrap().description, "oms-bridge 7");
    // A smaller page may be short enough.
    cloud.twin.faults().inject(listed(20_000).times(1));
    assert_eq!(find().await.unwrap(), None);
    assert_eq!(cloud.twin.stats().requests(Service::Oms, "ListTasks"), 3);
    cloud.twin.faults().inject(listed(20_000).times(2));
    let error = find().await.unwrap_err();
    assert_eq!((error.kind(), error.may_pass()), (ApiErrorKind::TooLong, false), "{error}");
    assert!(error.to_string().contains("longer than 16777216 bytes"), "{error}");
}
