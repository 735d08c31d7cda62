"""The running cloud-twin, as its first line on stdout described it, and small helpers every peer needs."""

import contextlib
import datetime
import hashlib
import http.server
import json
import os
import pathlib
import queue
import socket
import threading
import urllib.request
from unittest import mock

READY = json.loads(os.environ["CLOUD_TWIN"])
OSS_ACCOUNT, OSS_TEMPORARY_ACCOUNT = (
    next(account for account in READY["oss_accounts"] if bool(account["security_token"]) == temporary)
    for temporary in (False, True)
)
HUAWEI_ACCOUNT = READY["huawei_accounts"][0]

WRONG_SECRET = "NotTheSecretOfAnybodyAtAll0123"

AWKWARD_KEYS = {
    entry["name"]: entry["key"] * entry.get("times", 1)
    for entry in json.loads((pathlib.Path(__file__).parent / "keys.json").read_text("utf-8"))
}


def md5(body):
    return hashlib.md5(body, usedforsecurity=False)


def _crc64_table():
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0xC96C5795D7870F42 if byte & 1 else 0)
        yield byte


_CRC64 = tuple(_crc64_table())


def crc64(body):
    """CRC-64/XZ, computed here so that neither the twin nor a client is its own judge."""
    crc = 0xFFFFFFFFFFFFFFFF
    for byte in body:
        crc = (crc >> 8) ^ _CRC64[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFFFFFFFFFF


def clock(minutes):
    """A `datetime` class whose present lies `minutes` off."""
    offset = datetime.timedelta(minutes=minutes)

    class Shifted(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + offset

        @classmethod
        def utcnow(cls):
            return cls.now(datetime.timezone.utc).replace(tzinfo=None)

    return Shifted


def names_lead_to_loopback():
    """Virtual-host names have no DNS entry: while this patch holds, every name leads to this machine."""
    getaddrinfo = socket.getaddrinfo
    return mock.patch("socket.getaddrinfo", lambda _host, *rest, **named: getaddrinfo("127.0.0.1", *rest, **named))


def admin(method, path, document=None):
    """One request to the twin's admin API; returns the JSON answer."""
    data = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(READY["admin_url"] + path, data, method=method)
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


@contextlib.contextmanager
def fault(**rule):
    """A fault in force while the context lasts; `rule` is what the admin API takes."""
    number = admin("POST", "/faults", rule)["id"]
    try:
        yield
    finally:
        admin("DELETE", f"/faults/{number}")


@contextlib.contextmanager
def function():
    """A stand-in for the event function; yields its URL and the queue of (path, headers, event) it is sent."""
    calls = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            calls.put((self.path, self.headers, json.loads(body)))
            self.send_response(200)
            self.send_header("x-fc-status", "200")
            self.send_header("content-length", "4")
            self.end_headers()
            self.wfile.write(b"true")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", calls
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def callback_server(answer=b'{"Status":"OK"}'):
    """A stand-in for an application server; yields its URL and the queue of (target, headers, body) it is called with."""
    calls = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            calls.put((self.path, self.headers, body))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", calls
        finally:
            server.shutdown()
            thread.join()


def callback_key(url):
    """The public key at the address that a callback names, fetched through the twin as the proxy for it."""
    assert url.startswith("http://gosspublic.alicdn.com/"), url
    request = urllib.request.Request(url)
    # Not by a handler: those heed `no_proxy`.
    request.set_proxy(READY["oss_url"].removeprefix("http://"), "http")
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.read()
