"""`oms-bridge consume`: what boto3 uploads arrives at OMS, and nothing is lost on the way."""

import json
import unittest

import botocore.exceptions

import amazon
import twin
import worker
from worker import Clouds, eventually

# S3 takes no key that is longer, and boto3 resolves dots as its HTTP library does.
KEYS = [
    key for key in twin.AWKWARD_KEYS.values()
    if len(key.encode()) <= 1024 and not {".", ".."} & set(key.split("/")) and "\0" not in key
]
REFUSED = {"respond": {"status": 400, "code": "OMS.0064", "message": "no"}}
UNAVAILABLE = {"respond": {"status": 503, "code": "ServiceUnavailable"}}


def body(bucket, key):
    record = {
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 1}},
    }
    return json.dumps({"Records": [record]})


class Consume(unittest.TestCase):
    def test_every_upload_arrives_under_its_true_key_and_leaves_the_queue(self):
        clouds = Clouds()
        keys = clouds.uploads.put_all(KEYS)
        self.assertGreater(len(keys), 12)
        code, summary = clouds.drain()
        self.assertEqual(code, 0, summary)
        self.assertEqual(set(clouds.accepted(keys)), keys)
        # Longer ones are filed by their hash.
        self.assertEqual(clouds.records("success"), {key for key in keys if len(key.encode()) < 900})
        self.assertEqual(clouds.uploads.count(), (0, 0))
        # One message more: S3's own, when notifications were set up.
        self.assertEqual(summary["received"], len(keys) + 1)
        self.assertEqual((summary["deleted"], summary["accepted"]), (len(keys) + 1, len(keys)))

    def test_the_recommended_policy_is_enough_for_the_worker(self):
        clouds = Clouds()
        clouds.uploads.put("policy")
        keys = amazon.user("worker", region=amazon.REGION, account_id=amazon.ACCOUNT, queue=clouds.uploads.queue)
        code, summary = clouds.drain(**keys)
        self.assertEqual((code, summary["accepted"]), (0, 1), summary)
        self.assertEqual(clouds.uploads.count(), (0, 0))
        with self.assertRaisesRegex(botocore.exceptions.ClientError, "AccessDenied"):
            amazon.client("sqs", keys).send_message(QueueUrl=clouds.uploads.url, MessageBody="x")

    def test_a_worker_that_may_not_delete_ends_and_says_why(self):
        clouds = Clouds()
        clouds.uploads.put("kept")
        keys = amazon.user("reader", region=amazon.REGION, account_id=amazon.ACCOUNT, queue=clouds.uploads.queue)
        with clouds.start("--wait", "1", **keys) as own:
            # AWS says AccessDenied, which is 2. Moto refuses in XML, in which a client of this protocol finds no code.
            self.assertEqual(own.end()[0], 4)
            self.assertTrue(any("DeleteMessageBatch" in line for line in own.log), own.log)
        self.assertEqual(clouds.accepted(["kept"]), {"kept": 1})

    def test_a_wrong_secret_and_a_missing_queue_end_the_worker_at_once(self):
        clouds = Clouds()
        code, _ = clouds.drain(AWS_SECRET_ACCESS_KEY=twin.WRONG_SECRET)
        self.assertEqual(code, 4)
        code, _ = clouds.drain("--queue-url", clouds.uploads.url + "-missing")
        self.assertEqual(code, 2)

    def test_what_nobody_understands_ends_in_the_dead_letter_queue_and_holds_up_nothing(self):
        clouds = Clouds(max_receives=2)
        clouds.uploads.send(["not an event", *(body("b", f"beside-{number}") for number in range(5))])
        code, summary = clouds.drain("--visibility", "4")
        self.assertEqual((code, summary["accepted"], summary["poison"]), (3, 5, 1), summary)
        eventually(lambda: clouds.drain("--visibility", "4") and clouds.uploads.count() == (0, 0), "poison set aside")
        self.assertEqual(clouds.uploads.count(clouds.uploads.dead), (1, 0))

    def test_a_message_stays_out_of_sight_while_it_is_worked_on(self):
        clouds = Clouds()
        clouds.uploads.put("slow")
        with twin.fault(service="oms", key="slow", action={"delay": {"millis": 11_000}}, count=1):
            with clouds.start("--visibility", "4", "--wait", "1", "--listen", "127.0.0.1:0") as first:
                address = first.address()
                eventually(lambda: worker.metric(address, "messages_in_flight") > 0, "something in hand")
                code, summary = clouds.drain("--visibility", "4")
                self.assertEqual((code, summary["received"]), (0, 0), summary)
                eventually(lambda: worker.metric(address, "keys_accepted_total") == 1, "accepted")
                eventually(lambda: clouds.uploads.count() == (0, 0), "deleted")
                first.stop()
                self.assertEqual(first.end()[0], 0)
        self.assertEqual(clouds.accepted(["slow"]), {"slow": 1})
        self.assertEqual(clouds.uploads.count(), (0, 0))

    def test_a_worker_that_is_told_to_stop_finishes_what_it_holds(self):
        clouds = Clouds()
        clouds.uploads.put("held")
        with twin.fault(service="oms", key="held", action={"delay": {"millis": 3_000}}, count=1):
            with clouds.start("--json", "--wait", "1", "--listen", "127.0.0.1:0") as own:
                address = own.address()
                eventually(lambda: worker.metric(address, "messages_in_flight") > 0, "something in hand")
                own.stop()
                code, summary = own.end()
        self.assertEqual((code, summary["accepted"], summary["deleted"]), (0, 1, 2), summary)
        self.assertEqual(clouds.uploads.count(), (0, 0))

    def test_a_failed_key_that_is_in_the_journal_is_settled(self):
        clouds = Clouds()
        clouds.uploads.put("refused")
        with twin.fault(service="oms", key="refused", action=REFUSED):
            code, summary = clouds.drain()
        self.assertEqual((code, summary["failed"], summary["unrecorded"]), (3, 1, 0), summary)
        self.assertEqual(clouds.records("failed"), {"refused"})
        self.assertEqual(clouds.uploads.count(), (0, 0))

    def test_a_failed_key_without_a_record_comes_back_until_it_is_settled(self):
        clouds = Clouds(max_receives=50)
        clouds.uploads.put("unlucky")
        no_record = {"service": "oss", "method": "PUT", "key": "failed_object/unlucky"}
        with twin.fault(service="oms", key="unlucky", action=REFUSED):
            with twin.fault(**no_record, action=UNAVAILABLE):
                code, summary = clouds.drain()
        self.assertEqual((code, summary["released"], summary["unrecorded"]), (3, 1, 1), summary)
        self.assertEqual(sum(clouds.uploads.count()), 1)
        eventually(lambda: clouds.drain()[1]["accepted"] == 1, "the message came back")
        self.assertEqual(clouds.uploads.count(), (0, 0))
        self.assertEqual(clouds.accepted(["unlucky"]), {"unlucky": 1})

    def test_health_and_metrics_tell_how_it_goes(self):
        clouds = Clouds()
        clouds.uploads.put("counted")
        with clouds.start("--wait", "1", "--listen", "127.0.0.1:0") as own:
            address = own.address()
            eventually(lambda: worker.metric(address, "messages_deleted_total") == 2, "both messages deleted")
            self.assertEqual(worker.get(f"{address}/healthz"), (200, "ok\n"))
            self.assertEqual(worker.metric(address, "keys_accepted_total"), 1)
            self.assertEqual(worker.metric(address, "messages_received_total"), 2)
            self.assertEqual(worker.metric(address, "engine_requests_total"), 1)
            own.stop()
            code, text = own.end()
        self.assertEqual(code, 0)
        self.assertIn("2 messages received, 2 deleted; 1 key accepted, 0 failed", text)
