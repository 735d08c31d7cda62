//! A proxy on the way to a bucket that answers 404: nothing is gone because of that.

use bytes::Bytes;
use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Answer, Cloud, Copy, Function, Shelf, WebReply, WebServer, event};

/// What requests with `method` to a bucket of `service` meet.
fn proxy(service: Service, method: &str, bucket: &str, body: &str) -> Fault {
    let response = FaultResponse::error(404, "", "").body(body);
    let fault = Fault::new(service, FaultAction::RespondAsProxy(response)).method(method);
    fault.path_contains(format!("/{bucket}/"))
}

fn assert_failed_for_now(cloud: &Cloud, key: &str) {
    let record = cloud.copy_records().get(Shelf::Failed, key).expect("a failed record");
    assert_eq!(record["class"], "transient", "{record}");
    let message = record["error"]["message"].as_str().unwrap();
    assert!(message.contains("not the service that says so"), "{record}");
}

#[tokio::test]
async fn a_source_behind_one_is_not_gone() {
    let html = "<html><h1>Not Found</h1></html>";
    let imitated = "<Error><Code>NoSuchKey</Code><Message>cached</Message></Error>";
    for body in ["", html, imitated] {
        let cloud = Cloud::start().await;
        let function = Function::with(cloud.copy_settings()).start().await;
        cloud.twin.oss().put(SOURCE, "k", "content");
        let fault = cloud.twin.faults().inject(proxy(Service::Oss, "GET", SOURCE, body));
        assert_eq!(function.invoke(event::put(["k"])).await, Answer::False, "{body}");
        assert_failed_for_now(&cloud, "k");
        cloud.twin.faults().clear(fault);
        assert_eq!(function.invoke(event::put(["k"])).await, Answer::True);
        assert_eq!(cloud.mirrored("k").unwrap().body, "content");
    }
}

#[tokio::test]
async fn a_copy_is_not_removed_on_its_word() {
    let cloud = Cloud::start().await;
    let settings = cloud.copy_settings().set("PROPAGATE_DELETES", "true");
    let function = Function::with(settings).start().await;
    cloud.twin.oss().put(SOURCE, "k", "content");
    cloud.put_copy("k", "k", "content");
    for method in ["HEAD", "GET"] {
        cloud.twin.faults().inject(proxy(Service::Oss, method, SOURCE, ""));
    }
    let removed = event::of([event::element(SOURCE, "ObjectRemoved:DeleteObject", "k")]);
    assert_eq!(function.invoke(removed).await, Answer::False);
    assert_failed_for_now(&cloud, "k");
    assert!(cloud.mirrored("k").is_some());
}

#[tokio::test]
async fn a_copy_behind_one_is_not_missing() {
    let cloud = Cloud::start().await;
    let function = Function::with(cloud.copy_settings()).start().await;
    cloud.twin.oss().put(SOURCE, "k", "content");
    let fault = cloud.twin.faults().inject(proxy(Service::Obs, "HEAD", MIRROR, ""));
    assert_eq!(function.invoke(event::put(["k"])).await, Answer::False);
    assert_failed_for_now(&cloud, "k");
    cloud.twin.faults().clear(fault);
    assert_eq!(function.invoke(event::put(["k"])).await, Answer::True);
}

#[tokio::test]
async fn an_object_of_amazon_s3_behind_one_is_not_gone() {
    let document = "<Error><Code>NoSuchKey</Code><Message>no</Message></Error>";
    for (document, id, code, said) in [
        ("", None, 3, "not from the service"),
        (document, None, 3, "not from the service"),
        (document, Some("4442587FB7D0A2F9"), 3, "no such object"),
    ] {
        let cloud = Cloud::start().await;
        let s3 = WebServer::start(move |_| {
            let body = Bytes::from_static(document.as_bytes());
            let reply = WebReply::whole(&body).with_status(404);
            match id {
                Some(id) => reply.header("x-amz-request-id", id),
                None => reply,
            }
        })
        .await;
        let copy = Copy::new(&cloud.twin, "s3://photos/k", format!("obs://{MIRROR}/k"))
            .set("AWS_REGION", "eu-west-1")
            .set("AWS_ACCESS_KEY_ID", "id")
            .set("AWS_SECRET_ACCESS_KEY", "hush")
            .set("AWS_ENDPOINT_URL_S3", s3.url(""));
        let finished = copy.run().await;
        assert_eq!(finished.code, Some(code), "{finished:?}");
        let told = finished.stderr.contains("not from the service");
        assert_eq!(told, said == "not from the service", "{finished:?}");
    }
}
