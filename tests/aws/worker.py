"""`oms-bridge consume` as a child process, on a queue of moto and the services of cloud-twin."""

import contextlib
import itertools
import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import amazon
import twin

NUMBERS = itertools.count(1)
SUFFIX = re.compile(r"!\d{8}T\d{6}\.\d{3}Z-[crup][0-9a-f]{8}-[0-9a-f]{24}$")


class Clouds:
    """Uploads at Amazon, a sync task to OBS, a log bucket."""

    def __init__(self, **options):
        self.uploads = amazon.Uploads(**options)
        number = next(NUMBERS)
        self.source, self.mirror, self.log = (f"{name}-{number}" for name in ("source", "mirror", "log"))
        for service, bucket in (("oss", self.source), ("oss", self.log), ("obs", self.mirror)):
            twin.admin("POST", f"/buckets/{service}/{bucket}")
        self.task = twin.admin("POST", "/tasks", {"source": self.source, "destination": self.mirror})

    def settings(self, keys=None):
        oss, huawei = twin.OSS_ACCOUNT, twin.HUAWEI_ACCOUNT
        return {
            "QUEUE_URL": self.uploads.url,
            "AWS_REGION": amazon.REGION,
            "AWS_ENDPOINT_URL": amazon.URL,
            "AWS_EC2_METADATA_DISABLED": "true",
            **(keys or amazon.admin()),
            "SYNC_URL": f"{twin.READY['oms_url']}/v2/{self.task['project_id']}"
                        f"/sync-tasks/{self.task['sync_task_id']}/events",
            "HW_AK": huawei["access_key"],
            "HW_SK": huawei["secret_key"],
            "LOG_BUCKET": self.log,
            "OSS_ENDPOINT": twin.READY["oss_url"],
            "OSS_REGION": twin.READY["region"],
            "OSS_ACCESS_KEY_ID": oss["access_key"],
            "OSS_ACCESS_KEY_SECRET": oss["secret_key"],
            "NO_PROXY": "*",
            "LOG_FORMAT": "json",
        }

    def accepted(self, keys):
        """How often OMS accepted each of these keys."""
        counts = twin.admin("GET", "/accepted")
        return {key: counts[key] for key in keys if key in counts}

    def records(self, shelf):
        """The keys with a record: what stands before the suffix of 56 characters that a failure has (docs/journal.md)."""
        start = f"oms_source_record/{self.task['sync_task_id']}/{shelf}_object/"
        names = twin.admin("GET", f"/buckets/oss/{self.log}")
        ends = (name.removeprefix(start) for name in names if name.startswith(start))
        return {SUFFIX.sub("", end) for end in ends}

    def start(self, *arguments, **settings):
        return Worker({**self.settings(), **settings}, arguments)

    def drain(self, *arguments, **settings):
        """Runs a worker until the queue gives no more messages. The exit code, and what it printed."""
        with self.start("--drain", "--wait", "1", "--json", *arguments, **settings) as worker:
            return worker.end()


class Worker:
    """A running worker. It is killed when the context ends, if it runs still."""

    def __init__(self, settings, arguments):
        command = [os.environ["OMS_BRIDGE"], "consume", *arguments]
        environment = {name: value for name, value in settings.items() if value is not None}
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.log, self.lines = [], queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.log.append(line)
            self.lines.put(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()

    def logged(self, text):
        """Waits for a line of the log."""
        while True:
            line = self.lines.get(timeout=60)
            if text in line:
                return json.loads(line)

    def address(self):
        fields = self.logged("/healthz and /metrics")
        return "http://" + fields.get("fields", fields)["address"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        """Waits for the end: the exit code, and the JSON on stdout if there is any."""
        code = self.process.wait(timeout=120)
        self.reader.join()
        out = self.process.stdout.read()
        return code, json.loads(out) if out.startswith("{") else out


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def metric(address, name):
    _, text = get(f"{address}/metrics")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"oms_bridge_{name} "))


def eventually(holds, what, seconds=60, pause=0.05):
    """Waits until something holds that nobody tells of."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
        time.sleep(pause)
