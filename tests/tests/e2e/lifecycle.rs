//! Start, warm-up, connections, end.

use std::net::Ipv4Addr;

use bytes::Bytes;
use cloud_twin::{Fault, FaultAction, FaultResponse, Service, TwinEvent};
use e2e::process::free_port;
use e2e::{Answer, Cloud, Function, Invocation, Shelf, event};
use reqwest::Method;
use serde_json::Value;
use tokio::net::TcpSocket;

/// An address that is taken, and where nobody listens.
pub(crate) struct Nowhere(TcpSocket);

impl Nowhere {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        Self(socket)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    pub(crate) fn sync_url(&self) -> String {
        self.url() + "/v2/p/sync-tasks/t/events"
    }
}

fn connections(cloud: &Cloud) -> (u64, u64) {
    (cloud.connections(Service::Oms), cloud.connections(Service::Oss))
}

#[tokio::test]
async fn initialize_opens_the_connections_that_invocations_use() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    assert_eq!(connections(&cloud), (0, 0));
    let reply = function.initialize().await;
    assert_eq!((reply.status, reply.fc_status.as_deref()), (200, Some("200")), "{reply:?}");
    assert_eq!(connections(&cloud), (1, 1));
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    assert_eq!(connections(&cloud), (1, 1));
}

#[tokio::test]
async fn connections_serve_one_invocation_after_the_other() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    for key in event::keys("k", 50) {
        assert_eq!(function.invoke(event::put([key])).await, Answer::True);
    }
    assert_eq!(connections(&cloud), (1, 1));
    assert_eq!(cloud.oms_requests(), 50);
}

#[tokio::test]
async fn an_unreachable_oms_sends_keys_to_the_journal() {
    let cloud = Cloud::start().await;
    let nowhere = Nowhere::new();
    let function = Function::on(&cloud).set("SYNC_URL", nowhere.sync_url()).timeout(2).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::False);
    let record = cloud.records_of("t").get(Shelf::Failed, "a").unwrap();
    assert_eq!(record["class"], "transient");
    assert!(record["error"]["message"].as_str().unwrap().contains("no reply from OMS"), "{record}");
}

#[tokio::test]
async fn the_port_comes_from_the_platform() {
    let cloud = Cloud::start().await;
    let free = free_port().to_string();
    for (name, other) in
        [("FC_SERVER_PORT", "FC_CUSTOM_LISTEN_PORT"), ("FC_CUSTOM_LISTEN_PORT", "FC_SERVER_PORT")]
    {
        let other_port = if name == "FC_SERVER_PORT" { "1" } else { "" };
        let setup =
            Function::on(&cloud).listening_where_the_platform_says().set(name, &free).set(other, other_port);
        let function = setup.start().await;
        assert_eq!(function.url(), format!("http://0.0.0.0:{free}"));
        assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    }
}

#[tokio::test]
async fn health_is_answered() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.send(Invocation::request(Method::GET, "/healthz", Bytes::new())).await.status, 200);
}

/// Makes the next request to OMS fail and those after it slow. Returns a future that ends when the first was made: from
/// then on an invocation is under way for a while.
pub(crate) fn under_way(cloud: &Cloud) -> impl Future<Output = ()> + use<> {
    let refused = Fault::respond(Service::Oms, FaultResponse::oms_unavailable());
    cloud.twin.faults().inject(refused.times(1));
    cloud.twin.faults().inject(Fault::new(Service::Oms, FaultAction::Delay { millis: 300 }));
    let mut events = cloud.twin.subscribe();
    async move { while !matches!(events.recv().await.unwrap(), TwinEvent::OmsRefused { .. }) {} }
}

#[tokio::test]
async fn sigterm_lets_an_invocation_finish_and_ends_with_success() {
    let cloud = Cloud::start().await;
    let mut function = Function::on(&cloud).start().await;
    let begun = under_way(&cloud);
    let signalled = async {
        begun.await;
        function.terminate().await;
        function.logged("stopping").await;
    };
    let (answer, ()) = tokio::join!(function.invoke(event::put(["a"])), signalled);
    assert_eq!(answer, Answer::True);
    assert_eq!(cloud.twin.accepted_count("a"), 1);
    assert_eq!(function.wait().await.code(), Some(0));
}

#[tokio::test]
async fn pre_stop_is_answered_when_the_work_in_hand_is_finished() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    let begun = under_way(&cloud);
    let stopping = async {
        begun.await;
        let reply = function.send(Invocation::request(Method::GET, "/pre-stop", Bytes::new())).await;
        (reply.status, cloud.twin.accepted_count("a"))
    };
    let (answer, stopped) = tokio::join!(function.invoke(event::put(["a"])), stopping);
    assert_eq!((answer, stopped), (Answer::True, (200, 1)));
}

#[tokio::test]
async fn json_prints_what_was_done_and_nothing_else() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::poison_key("bad"));
    let mut function = Function::on(&cloud).argument("--json").start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    assert_eq!(function.invoke(event::put(["bad"])).await, Answer::False);
    function.invoke("nonsense").await.failure();
    function.terminate().await;
    assert_eq!(function.wait().await.code(), Some(0));
    let totals: Value = serde_json::from_str(&function.stdout()).unwrap();
    let expected = serde_json::json!({
        "invocations": 3, "failed_invocations": 1, "accepted": 1, "failed": 1, "skipped": 0, "requests": 2,
    });
    assert_eq!(totals, expected);
}

#[tokio::test]
async fn an_invocation_is_framed_by_the_lines_that_the_platform_cuts_its_log_by() {
    let cloud = Cloud::start().await;
    let mut function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    function.terminate().await;
    function.wait().await;
    let id = "c3f1f1d6-0000-4000-8000-000000000001";
    let lines = format!("FC Invoke Start RequestId: {id}\nFC Invoke End RequestId: {id}\n");
    assert_eq!(function.stdout(), lines);
}
