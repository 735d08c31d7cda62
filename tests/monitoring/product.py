"""The product on the running cloud-twin: its servers, their metrics, its commands with --metrics."""

import contextlib
import http.server
import json
import os
import pathlib
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

TWIN = json.loads(os.environ["CLOUD_TWIN"])
SCRATCH = pathlib.Path(os.environ["SCRATCH"])
OMS_BRIDGE = os.environ["OMS_BRIDGE"]
TASK = TWIN["sync_tasks"][0]
TOKEN = "serve-token-0123456789"
DESK_TOKEN = "eric-token-0123456789"
PATIENCE = 60


def environment(**settings):
    oss = next(account for account in TWIN["oss_accounts"] if account["security_token"])
    huawei = TWIN["huawei_accounts"][0]
    return {
        "PATH": os.environ["PATH"],
        "NO_PROXY": "*",
        "SYNC_URL": TASK["sync_url"],
        "HW_AK": huawei["access_key"],
        "HW_SK": huawei["secret_key"],
        "LOG_BUCKET": "logs",
        "OSS_ENDPOINT": TWIN["oss_url"],
        "OSS_REGION": TWIN["region"],
        "ALIBABA_CLOUD_ACCESS_KEY_ID": oss["access_key"],
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": oss["secret_key"],
        "ALIBABA_CLOUD_SECURITY_TOKEN": oss["security_token"],
        **settings,
    }


def request(method, url, body=None, token=None):
    """The text of the answer, whatever its status."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    asked = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()


@contextlib.contextmanager
def fault(**rule):
    """A fault of the twin in force while the context lasts."""
    answer = request("POST", TWIN["admin_url"] + "/faults", json.dumps(rule).encode())
    try:
        yield
    finally:
        request("DELETE", f"{TWIN['admin_url']}/faults/{json.loads(answer)['id']}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def server(*arguments, port, **settings):
    """A command that listens on `port`, from its first answer on; yields its URL."""
    log = (SCRATCH / f"{arguments[0]}.log").open("a")
    command = [OMS_BRIDGE, *arguments, "--listen", f"127.0.0.1:{port}"]
    with log, subprocess.Popen(command, env=environment(**settings), stdout=log, stderr=log) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            until_it_answers(url + "/healthz", process)
            yield url
        finally:
            process.terminate()
            process.wait(PATIENCE)


def until_it_answers(url, process):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE):
                return
        except urllib.error.URLError:
            assert process.poll() is None and time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.05)


def serve(**settings):
    return server("serve", port=free_port(), SERVE_TOKEN=TOKEN, **settings)


def desk():
    settings = {
        "DESK_BUCKET": "source",
        "DESK_TOKENS": f"eric:{DESK_TOKEN}",
        "DESK_DATABASE": f"sqlite://{SCRATCH}/desk.db",
        "DESK_CALLBACK_URL": "http://127.0.0.1:1/callback",
    }
    return server("desk", port=free_port(), **settings)


@contextlib.contextmanager
def consume():
    """A worker on a queue that has no messages."""

    class Queue(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            # A poll that finds nothing; asked again at once, the worker would do nothing else.
            time.sleep(0.1)
            self.send_response(200)
            self.send_header("content-type", "application/x-amz-json-1.0")
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Queue) as queue:
        threading.Thread(target=queue.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{queue.server_address[1]}"
        keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_REGION": "eu-west-1"}
        settings = {"QUEUE_URL": f"{url}/123456789012/uploads", **keys}
        try:
            with server("consume", "--endpoint-url", url, port=free_port(), **settings) as worker:
                yield worker
        finally:
            queue.shutdown()


def event(url, key):
    """An upload, as OSS reports it."""
    element = {
        "eventName": "ObjectCreated:PutObject",
        "eventSource": "acs:oss",
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "oss": {"bucket": {"name": "source"}, "object": {"key": key, "size": 3, "eTag": "0" * 32}},
    }
    return request("POST", url + "/invoke", json.dumps({"events": [element]}).encode(), TOKEN)


def both_sides():
    """What the timer that compares them needs."""
    return {"SOURCE_BUCKET": "source", "DEST": "obs://mirror", "DEST_ENDPOINT": TWIN["obs_url"]}


def tick(url, action):
    """What a timer sends."""
    event = {"triggerName": action, "payload": json.dumps({"action": action})}
    return request("POST", url + "/invoke", json.dumps(event).encode(), TOKEN)


def metrics(url):
    return request("GET", url + "/metrics", token=TOKEN)


def run(name, *arguments, code=0, **settings):
    """A command that writes its metrics to the file of that name; returns them."""
    file = SCRATCH / f"{name}.prom"
    command = [OMS_BRIDGE, *arguments, "--metrics", file]
    done = subprocess.run(
        command, env=environment(**settings), cwd=SCRATCH, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == code, (command, done)
    return file.read_text()


def killed(name, *arguments):
    """The same of one that waits for its input and is killed."""
    file = SCRATCH / f"{name}.prom"
    command = [OMS_BRIDGE, *arguments, "--metrics", file]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.PIPE, stdout=quiet, stderr=quiet
    ) as process:
        deadline = time.monotonic() + PATIENCE
        while not file.exists():
            assert process.poll() is None and time.monotonic() < deadline, "it writes no metrics"
            time.sleep(0.05)
        process.kill()
    return file.read_text()


def put_record(folder, key, record):
    """An object in the journal, put there by the product itself."""
    file = SCRATCH / "record.json"
    file.write_text(record)
    name = f"oss://logs/oms_source_record/{TASK['sync_task_id']}/{folder}/{key}"
    command = [OMS_BRIDGE, "copy", file, name]
    subprocess.run(command, env=environment(), cwd=SCRATCH, capture_output=True, timeout=PATIENCE, check=True)
