"""Two workers, ten thousand messages, an OMS that fails every fifth request, and a worker that is killed twice."""

import concurrent.futures
import json
import unittest
import urllib.parse

import twin
import worker
from worker import Clouds, eventually

MESSAGES = 10_000
# Uploaded by boto3, told of by moto; the others are copies of what it told.
UPLOADS = 500


class Scale(unittest.TestCase):
    def test_nothing_is_lost_when_a_worker_is_killed_twice_and_every_fifth_request_fails(self):
        clouds = Clouds(max_receives=1000)
        keys = {f"many/{number:05} ü+%.bin" for number in range(MESSAGES)}
        self.fill(clouds.uploads, sorted(keys))
        self.assertEqual(clouds.uploads.count(), (MESSAGES, 0))
        # Few messages at once, so that there is work left for the last of them.
        arguments = ("--concurrency", "20", "--visibility", "6", "--wait", "2", "--listen", "127.0.0.1:0", "--json")
        with twin.fault(service="oms", action={"respond": {"status": 503}}, probability=0.2):
            with clouds.start(*arguments) as steady:
                watched = steady.address()
                for _ in range(2):
                    self.kill_at_work(clouds, arguments)
                with clouds.start(*arguments) as third:
                    third.address()
                    eventually(lambda: clouds.uploads.count() == (0, 0), "an empty queue", seconds=600, pause=1)
                    self.assertGreater(worker.metric(watched, "messages_deleted_total"), 0)
                    results = []
                    for own in (steady, third):
                        own.stop()
                        results.append(own.end())
        for code, summary in results:
            self.assertEqual((code, summary["unrecorded"], summary["poison"]), (0, 0, 0), summary)
        settled = set(clouds.accepted(keys)) | clouds.records("failed")
        self.assertEqual(keys - settled, set())
        self.assertEqual(clouds.uploads.count(), (0, 0))
        self.assertEqual(clouds.uploads.count(clouds.uploads.dead), (0, 0))
        print(json.dumps([summary for _, summary in results]))

    def fill(self, uploads, keys):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(uploads.put, keys[:UPLOADS]))
        told = self.one_event(uploads)
        # The queue holds one message for each upload; those for the rest differ in their key only.
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            rest = [told(key) for key in keys[UPLOADS:]]
            pieces = [rest[start::8] for start in range(8)]
            list(pool.map(uploads.send, pieces))

    def one_event(self, uploads):
        """Takes the message of S3's own out of the queue, and makes others of one of an upload."""
        messages = uploads.sqs.receive_message(QueueUrl=uploads.url, MaxNumberOfMessages=10)["Messages"]
        bodies = [json.loads(message["Body"]) for message in messages]
        test = next(message for message, body in zip(messages, bodies) if "Records" not in body)
        uploads.sqs.delete_message(QueueUrl=uploads.url, ReceiptHandle=test["ReceiptHandle"])
        for message in messages:
            if message is not test:
                uploads.sqs.change_message_visibility(
                    QueueUrl=uploads.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
                )
        event = next(body for body in bodies if "Records" in body)

        def told(key):
            event["Records"][0]["s3"]["object"]["key"] = urllib.parse.quote_plus(key)
            return json.dumps(event)

        return told

    def kill_at_work(self, clouds, arguments):
        with clouds.start(*arguments) as victim:
            address = victim.address()
            eventually(
                lambda: worker.metric(address, "messages_deleted_total") > 20
                and worker.metric(address, "messages_in_flight") > 0,
                "the victim at work",
            )
            victim.kill()
