//! Uploads in parts whose desk, network or storage fails in the middle.

use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::cloud::SOURCE;
use e2e::desk::ERIC;
use e2e::{Cloud, Desk};
use serde_json::json;

use crate::parts::{PART, Parts, content, send_all};
use crate::support::key;

#[tokio::test]
async fn an_upload_goes_on_after_a_restart_of_its_desk() {
    let cloud = Cloud::start().await;
    let (desk, content, begun) = Parts::begun(&cloud, 2 * PART + 1).await;
    Parts::of(&desk, &begun, &content).send(ERIC, 2).await;
    // Another size would not fit what is stored.
    let desk = desk.kill().await.set("DESK_PART_SIZE", "204800").start().await;
    let upload = Parts::after_restart(&desk, &begun.id(), &content);
    let listed = desk.get(ERIC, &format!("/uploads/{}/parts", begun.id())).await;
    assert_eq!(listed.body["parts"][0]["number"], 2, "{listed:?}");
    upload.send(ERIC, 1).await;
    upload.send(ERIC, 3).await;
    assert_eq!(upload.complete(ERIC).await.status, 202);
    desk.until_forwarded(ERIC, &begun.id()).await;
    assert_eq!(cloud.twin.oss().get(SOURCE, &key(&begun)).unwrap().body, content);
}

#[tokio::test]
async fn an_upload_whose_desk_died_before_it_wrote_its_id_down_is_aborted() {
    let cloud = Cloud::start().await;
    let desk = Parts::desk(&cloud).await.start().await;
    let begin =
        cloud.twin.faults().inject(Fault::new(Service::Oss, FaultAction::Hold).path_contains("uploads"));
    let order = json!({"name": "a.bin", "size": 5});
    let database = desk.setup().database();
    let lock = {
        let begun = desk.post(ERIC, "/uploads/multipart", order);
        let held = async {
            cloud.until(|twin| twin.faults().hits(begin) == 1).await;
            let lock = database.lock().await;
            cloud.twin.faults().clear(begin);
            cloud.until(|twin| twin.oss().uploads(SOURCE).len() == 1).await;
            lock
        };
        tokio::select! {
            answered = begun => panic!("{answered:?}"),
            lock = held => lock,
        }
    };
    let setup = desk.kill().await;
    lock.release().await;
    let id = setup.database().ask("SELECT id FROM storage WHERE upload_id IS NULL").await;
    setup.database().make_due(&id).await;
    let desk = setup.start().await;
    desk.until_state(ERIC, &id, "missing").await;
    cloud.until(|twin| twin.oss().uploads(SOURCE).is_empty()).await;
}

#[tokio::test]
async fn an_object_that_was_completed_by_a_desk_that_died_is_found() {
    let cloud = Cloud::start().await;
    let (desk, content, begun) = Parts::begun(&cloud, PART + 1).await;
    let upload = Parts::of(&desk, &begun, &content);
    send_all(&upload, ERIC).await;
    let hang = cloud.twin.faults().inject(Fault::new(Service::Oss, FaultAction::Hang).method("HEAD"));
    assert_eq!(upload.complete(ERIC).await.status, 202);
    cloud.until(|twin| twin.faults().hits(hang) == 1).await;
    assert_eq!(cloud.twin.oss().len(SOURCE), 1, "the object is there, and the row does not say so");
    let setup = desk.kill().await;
    cloud.twin.faults().clear_all();
    setup.database().make_due(&begun.id()).await;
    let desk = setup.start().await;
    desk.until_forwarded(ERIC, &begun.id()).await;
    assert_eq!(cloud.done(Service::Oss, "CompleteMultipartUpload"), 1);
    assert_eq!(cloud.sent(&key(&begun)), 1);
}

#[tokio::test]
async fn an_answer_that_is_lost_does_not_matter_wherever_it_is_lost() {
    let cloud = Cloud::start().await;
    let desk = Parts::desk(&cloud).await.start().await;
    let content = content(PART + 1);
    let lose = |path: &str| {
        let lost = FaultAction::RespondAfterWork(FaultResponse::error(500, "InternalError", "no"));
        let fault = Fault::new(Service::Oss, lost).method("POST").path_contains(path).times(1);
        cloud.twin.faults().inject(fault)
    };
    let begin = lose("uploads");
    let begun = Parts::begin(&desk, ERIC, "a.bin", &content).await;
    assert_eq!(cloud.twin.faults().hits(begin), 1);
    assert_eq!(cloud.twin.oss().uploads(SOURCE).len(), 2, "one of them is known to nobody");
    let upload = Parts::of(&desk, &begun, &content);
    send_all(&upload, ERIC).await;
    let complete = lose("uploadId");
    assert_eq!(upload.complete(ERIC).await.status, 202);
    desk.until_forwarded(ERIC, &begun.id()).await;
    assert_eq!(cloud.twin.faults().hits(complete), 1);
    assert_eq!(cloud.twin.oss().uploads(SOURCE), []);
    assert_eq!(cloud.sent(&key(&begun)), 1);
}

#[tokio::test]
async fn an_upload_that_nobody_goes_on_with_is_aborted() {
    let cloud = Cloud::start().await;
    let (setup, content, begun) = Parts::expired(&cloud).await;
    let desk = setup.start().await;
    let upload = Parts::after_restart(&desk, &begun.id(), &content);
    let missing = desk.until_state(ERIC, &begun.id(), "missing").await;
    assert_eq!(missing["note"], "given up: nobody went on with it");
    cloud.until(|twin| twin.oss().uploads(SOURCE).is_empty()).await;
    for answered in [upload.sign(ERIC, 2).await, upload.complete(ERIC).await] {
        assert_eq!((answered.status, answered.code()), (409, "not_open"), "{answered:?}");
    }
    assert_eq!(desk.get(ERIC, "/uploads/multipart").await.body["uploads"], json!([]));
    assert_eq!(cloud.sent(&key(&begun)), 0);
}

#[tokio::test]
async fn an_upload_that_is_being_given_up_takes_no_more_parts() {
    let cloud = Cloud::start().await;
    let (setup, content, begun) = Parts::expired(&cloud).await;
    let abort = Fault::new(Service::Oss, FaultAction::Hold).method("GET").path_contains("uploads");
    let abort = cloud.twin.faults().inject(abort);
    let desk = setup.start().await;
    cloud.until(|twin| twin.faults().hits(abort) == 1).await;
    // If this put the end off, the part would be lost with the upload.
    let late = Parts::after_restart(&desk, &begun.id(), &content).sign(ERIC, 2).await;
    assert_eq!((late.status, late.code()), (409, "not_open"), "{late:?}");
    cloud.twin.faults().clear_all();
    cloud.until(|twin| twin.oss().uploads(SOURCE).is_empty()).await;
    desk.until_state(ERIC, &begun.id(), "missing").await;
}

#[tokio::test]
async fn a_desk_that_died_before_it_removed_the_parts_leaves_none() {
    let cloud = Cloud::start().await;
    let (setup, _, begun) = Parts::expired(&cloud).await;
    let abort = Fault::new(Service::Oss, FaultAction::Hang).method("GET").path_contains("uploads");
    let abort = cloud.twin.faults().inject(abort);
    let desk = setup.start().await;
    cloud.until(|twin| twin.faults().hits(abort) == 1).await;
    let setup = desk.kill().await;
    cloud.twin.faults().clear_all();
    assert_eq!(cloud.twin.oss().uploads(SOURCE).len(), 1);
    setup.database().make_due(&begun.id()).await;
    let desk = setup.start().await;
    cloud.until(|twin| twin.oss().uploads(SOURCE).is_empty()).await;
    desk.until_state(ERIC, &begun.id(), "missing").await;
}

#[tokio::test]
async fn an_upload_that_goes_on_is_not_given_up_although_its_row_is_due() {
    let cloud = Cloud::start().await;
    let (desk, content, begun) = Parts::begun(&cloud, PART + 1).await;
    Parts::of(&desk, &begun, &content).send(ERIC, 1).await;
    let setup = desk.kill().await;
    // As a worker leaves it that renewed its claim after the end was put off.
    setup.database().make_due(&begun.id()).await;
    let desk = setup.start().await;
    cloud.until(|twin| twin.stats().requests(Service::Oss, "ListParts") == 1).await;
    let upload = Parts::after_restart(&desk, &begun.id(), &content);
    upload.send(ERIC, 2).await;
    assert_eq!(upload.complete(ERIC).await.status, 202);
    desk.until_forwarded(ERIC, &begun.id()).await;
}

#[tokio::test]
async fn a_signed_part_puts_the_end_of_an_upload_off() {
    let cloud = Cloud::start().await;
    let desk = Parts::desk(&cloud).await.start().await;
    let begun = Parts::begin(&desk, ERIC, "a.bin", b"abc").await;
    let (id, database) = (begun.id(), desk.setup().database());
    let end = async || {
        database.ask(format!("SELECT CAST(expires_at AS CHAR) FROM storage WHERE id = '{id}'")).await
    };
    let first = end().await;
    database.execute(format!("UPDATE storage SET expires_at = expires_at - 7200000 WHERE id = '{id}'")).await;
    Parts::of(&desk, &begun, b"abc").send(ERIC, 1).await;
    let later = end().await;
    assert!(later.parse::<i64>().unwrap() >= first.parse::<i64>().unwrap(), "{first} {later}");
}

#[tokio::test]
async fn an_upload_that_others_aborted_is_over() {
    let cloud = Cloud::start().await;
    let (desk, content, begun) = Parts::begun(&cloud, PART + 1).await;
    let upload = Parts::of(&desk, &begun, &content);
    send_all(&upload, ERIC).await;
    let gone = FaultResponse::error(404, "NoSuchUpload", "gone");
    let fault = Fault::respond(Service::Oss, gone).method("GET").path_contains("uploadId");
    cloud.twin.faults().inject(fault);
    let refused = upload.complete(ERIC).await;
    assert_eq!((refused.status, refused.code()), (409, "not_open"), "{refused:?}");
    desk.until_state(ERIC, &begun.id(), "missing").await;
}

#[tokio::test]
async fn a_part_that_changes_before_the_completion_opens_the_upload_again() {
    let cloud = Cloud::start().await;
    let (desk, content, begun) = Parts::begun(&cloud, PART + 1).await;
    let upload = Parts::of(&desk, &begun, &content);
    send_all(&upload, ERIC).await;
    // The first list is for who asks for completion, the second one for the worker.
    let second = Fault::new(Service::Oss, FaultAction::Hold).method("GET").path_contains("uploadId").after(1);
    let second = cloud.twin.faults().inject(second);
    let signed = upload.sign_other(ERIC, 2, b"y").await;
    assert_eq!(upload.complete(ERIC).await.status, 202);
    cloud.until(|twin| twin.faults().hits(second) == 1).await;
    signed.put(b"y").await;
    cloud.twin.faults().clear_all();
    let open = desk.until_state(ERIC, &begun.id(), "uploading").await;
    assert!(open["note"].as_str().unwrap().contains("CRC-64"), "{open}");
    assert_eq!(cloud.twin.oss().len(SOURCE), 0);
    upload.send(ERIC, 2).await;
    assert_eq!(upload.complete(ERIC).await.status, 202);
    desk.until_forwarded(ERIC, &begun.id()).await;
}

#[tokio::test]
async fn an_object_that_is_not_what_the_browser_read_is_removed() {
    let cloud = Cloud::start().await;
    let (desk, content, begun) = Parts::begun(&cloud, PART + 1).await;
    let upload = Parts::of(&desk, &begun, &content);
    send_all(&upload, ERIC).await;
    let other = "x".repeat(content.len());
    let fault = Fault::new(Service::Oss, FaultAction::ReplaceFirst { body: other }).method("HEAD").times(1);
    cloud.twin.faults().inject(fault);
    assert_eq!(upload.complete(ERIC).await.status, 202);
    let failed = desk.until_state(ERIC, &begun.id(), "failed").await;
    assert!(failed["note"].as_str().unwrap().contains("CRC-64"), "{failed}");
    assert_eq!(cloud.twin.oss().len(SOURCE), 0);
    assert_eq!(cloud.sent(&key(&begun)), 0);
}

#[tokio::test]
async fn an_upload_that_is_deleted_while_it_is_completed_leaves_nothing() {
    let cloud = Cloud::start().await;
    let desk: Desk = Parts::desk(&cloud).await.start().await;
    let content = content(PART + 1);
    let begun = Parts::begin(&desk, ERIC, "a.bin", &content).await;
    let upload = Parts::of(&desk, &begun, &content);
    send_all(&upload, ERIC).await;
    let hold = Fault::new(Service::Oss, FaultAction::Hold).method("POST").path_contains("uploadId");
    let hold = cloud.twin.faults().inject(hold);
    assert_eq!(upload.complete(ERIC).await.status, 202);
    cloud.until(|twin| twin.faults().hits(hold) == 1).await;
    assert_eq!(desk.delete(ERIC, &format!("/uploads/{}", begun.id())).await.status, 204);
    cloud.twin.faults().clear_all();
    cloud.until(|twin| twin.oss().len(SOURCE) == 0 && twin.oss().uploads(SOURCE).is_empty()).await;
    assert_eq!(cloud.sent(&key(&begun)), 0);
}
