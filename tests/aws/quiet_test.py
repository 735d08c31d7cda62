"""`oms-bridge consume` as it is, without options, for three minutes: on a queue that is quiet, on one that it cannot reach, and while
neither OMS nor the log bucket can be reached. All of it goes on at the same time, and beside the other tests."""

import contextlib
import re
import time
import unittest

import twin
import worker
from worker import Clouds, eventually

MINUTES = 3
UNAVAILABLE = {"respond": {"status": 503, "code": "ServiceUnavailable"}}
KEYS = [f"outage-{number}" for number in range(30)]


class Watched:
    """A worker with its health, told once a second."""

    def __init__(self, clouds, own):
        self.clouds, self.worker, self.told = clouds, own, []
        self.address = own.address()

    def watch(self):
        self.told.append(worker.get(f"{self.address}/healthz")[0])

    def trouble(self):
        return [line for line in self.worker.log if re.search(r'"level":"(WARN|ERROR)"', line)]

    def end(self):
        self.worker.stop()
        return self.worker.end()[0]


class ThreeMinutes(unittest.TestCase):
    @classmethod
    def watched(cls, clouds, **settings):
        return Watched(clouds, cls.enterClassContext(clouds.start("--listen", "127.0.0.1:0", **settings)))

    @classmethod
    def setUpClass(cls):
        cls.drained = cls.enterClassContext(Clouds().start("--drain", "--json"))
        cls.quiet = cls.watched(Clouds())
        # Nobody listens there.
        cls.unreachable = cls.watched(
            Clouds(), AWS_ENDPOINT_URL=None, QUEUE_URL="http://127.0.0.1:1/123456789012/uploads"
        )
        clouds = Clouds(max_receives=3)
        for key in KEYS:
            clouds.uploads.put(key)
        with contextlib.ExitStack() as outage:
            for service, path in (("oms", clouds.task["sync_task_id"]), ("oss", clouds.log)):
                outage.enter_context(twin.fault(service=service, path=f"/{path}/", action=UNAVAILABLE))
            cls.outage = cls.watched(clouds)
            end = time.monotonic() + MINUTES * 60 + 5
            while time.monotonic() < end:
                for watched in (cls.quiet, cls.unreachable, cls.outage):
                    watched.watch()
                time.sleep(1)
            cls.dead = clouds.uploads.count(clouds.uploads.dead)
            cls.early = clouds.accepted(KEYS)

    def test_a_quiet_queue_is_no_trouble(self):
        quiet = self.quiet
        self.assertEqual(set(quiet.told), {200})
        self.assertEqual(quiet.trouble(), [])
        self.assertEqual(worker.metric(quiet.address, "queue_errors_total"), 0)
        quiet.clouds.uploads.put("late")
        eventually(lambda: quiet.clouds.accepted(["late"]) == {"late": 1}, "what comes then arrives")
        self.assertEqual(quiet.end(), 0)

    def test_a_quiet_queue_is_drained(self):
        code, summary = self.drained.end()
        # S3's own message, when notifications were set up.
        self.assertEqual((code, summary["received"], summary["deleted"]), (0, 1, 1), summary)

    def test_a_queue_out_of_reach_is_one_line_and_no_health(self):
        unreachable = self.unreachable
        self.assertEqual(unreachable.told[-1], 503)
        lines = unreachable.trouble()
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("http://127.0.0.1:1 cannot be reached: Connection refused", lines[0])
        self.assertEqual(unreachable.end(), 0)

    def test_an_outage_of_both_uses_up_no_receipts(self):
        outage, uploads = self.outage, self.outage.clouds.uploads
        self.assertEqual((self.dead, self.early), ((0, 0), {}))
        # Whoever is told of by /healthz cannot mend it.
        self.assertEqual(set(outage.told), {200})
        # No key was received so often that it waits for long, or that the next time would be one too many.
        again = [line for line in outage.trouble() if re.search(r'"receives":([3-9]|\d\d)', line)]
        self.assertEqual(again, [])
        eventually(lambda: len(outage.clouds.accepted(KEYS)) == len(KEYS), "all arrive after it", 300, 1)
        eventually(lambda: uploads.count() == (0, 0), "deleted")
        self.assertEqual(uploads.count(uploads.dead), (0, 0))
        self.assertEqual(outage.end(), 0)
