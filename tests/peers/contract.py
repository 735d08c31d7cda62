"""What an object store must do for any client, told once; each client brings a `Client` of its own."""

import base64
import contextlib
import dataclasses
import itertools
import urllib.error
import urllib.request

import twin

CONTENT_TYPE = "text/x-peer; charset=utf-8"
BUCKET_NUMBERS = itertools.count(1)
METADATA = {"origin": "peer", "note": "two words; and=more"}


@dataclasses.dataclass
class Object:
    """What a client tells of an object."""

    etag: str
    crc64: int
    body: bytes = b""
    content_type: str = ""
    metadata: dict = dataclasses.field(default_factory=dict)


class Refused(Exception):
    """A refusal as the client reported it: name of its error type, HTTP status, error code."""

    def __init__(self, kind, status, code):
        super().__init__(f"{kind}: {status} {code}")
        self.kind, self.status, self.code = kind, status, code


class Client:
    """One client bound to one bucket, with one pair of keys."""

    # Names in keys.json of keys that this client cannot put, with status and code of trying.
    cannot_put = {}
    # Versions of ListObjects that it speaks.
    listings = ("v1", "v2")

    def create_bucket(self):
        raise NotImplementedError

    def put(self, key, body, *, content_type=None, metadata=None, md5=None):
        raise NotImplementedError

    def get(self, key, byte_range=None):
        raise NotImplementedError

    def head(self, key):
        raise NotImplementedError

    def delete(self, key):
        raise NotImplementedError

    def delete_many(self, keys):
        raise NotImplementedError

    def list(self, version, *, prefix="", delimiter="", page=1000):
        """Keys and common prefixes, all pages of at most `page` entries."""
        raise NotImplementedError

    def multipart(self, key, parts):
        raise NotImplementedError

    def presign(self, key):
        raise NotImplementedError

    def clock(self, minutes):
        """A context in which this client believes it is `minutes` later."""
        raise NotImplementedError


class SizedUploads:
    """A URL that is signed together with the length of the body. Clients have `presign_put(key, length)`."""

    def test_a_presigned_put_takes_a_body_of_its_length_only(self):
        client = self.bucket()
        url = client.presign_put("k", 5)
        self.assertIn("x-oss-additional-headers=content-length&", url + "&")

        def put(body):
            request = urllib.request.Request(url, body, method="PUT", headers={"Content-Type": "text/plain"})
            return urllib.request.urlopen(request, timeout=30)

        for body in (b"", b"1234", b"123456", b"x" * 100_000):
            with self.subTest(len(body)), self.assertRaises(urllib.error.HTTPError) as refused:
                put(body)
            with refused.exception as answer:
                self.assertEqual(answer.code, 403)
                self.assertIn(b"<Code>SignatureDoesNotMatch</Code>", answer.read())
        self.assertEqual(client.list("v1"), [])
        put(b"12345").close()
        self.assertEqual(client.get("k").body, b"12345")


class ObjectStore:
    """Tests of every client; a mixin for `unittest.TestCase`."""

    # What the client's error type for a code is called, where it has one type per code.
    kinds = {}

    def client(self, bucket, *, secret=None, access_key=None):
        """A client of `bucket`, with keys that are good unless given."""
        raise NotImplementedError

    def bucket(self):
        """The client of a new empty bucket, which no other test has."""
        module = type(self).__module__.replace("_", "-")
        client = self.client(f"{module}-{next(BUCKET_NUMBERS)}")
        client.create_bucket()
        return client

    @contextlib.contextmanager
    def refused(self, status, code):
        with self.assertRaises(Refused) as raised:
            yield
        self.assertEqual((raised.exception.status, raised.exception.code), (status, code))
        self.assertEqual(raised.exception.kind, self.kinds.get(code, self.kinds.get("")))

    def keys(self, client):
        return {name: key for name, key in twin.AWKWARD_KEYS.items() if name not in client.cannot_put}

    def test_awkward_keys_come_back_with_content_and_metadata(self):
        client = self.bucket()
        for name, key in self.keys(client).items():
            with self.subTest(name):
                body = f"content of {key}".encode()
                stored = client.put(key, body, content_type=CONTENT_TYPE, metadata=METADATA)
                expected = Object(twin.md5(body).hexdigest(), twin.crc64(body))
                self.assertEqual((stored.etag.lower(), stored.crc64), (expected.etag, expected.crc64))
                for seen in (client.get(key), client.head(key)):
                    self.assertEqual((seen.etag.lower(), seen.crc64), (expected.etag, expected.crc64))
                    self.assertEqual((seen.content_type, seen.metadata), (CONTENT_TYPE, METADATA))
                self.assertEqual(client.get(key).body, body)

    def test_listings_name_every_awkward_key_in_byte_order(self):
        client = self.bucket()
        keys = self.keys(client).values()
        for key in keys:
            client.put(key, b"x")
        for version in client.listings:
            for page in (1000, 4):
                with self.subTest(version=version, page=page):
                    self.assertEqual(client.list(version, page=page), sorted(keys, key=str.encode))

    def test_listings_roll_up_at_the_delimiter(self):
        client = self.bucket()
        for key in ("top", "dir/", "dir/a", "dir/sub/b", "dir/sub/c", "other/d"):
            client.put(key, b"x")
        for version in client.listings:
            for page in (1000, 1):
                with self.subTest(version=version, page=page):
                    self.assertEqual(client.list(version, delimiter="/", page=page), ["dir/", "other/", "top"])
                    below = client.list(version, prefix="dir/", delimiter="/", page=page)
                    self.assertEqual(below, ["dir/", "dir/a", "dir/sub/"])

    def test_an_empty_object_is_an_object(self):
        client = self.bucket()
        stored = client.put("empty", b"")
        self.assertEqual((stored.etag.lower(), stored.crc64), (twin.md5(b"").hexdigest(), 0))
        self.assertEqual(client.get("empty").body, b"")

    def test_a_second_put_replaces_content_and_metadata(self):
        client = self.bucket()
        client.put("k", b"old", metadata=METADATA)
        client.put("k", b"new")
        self.assertEqual((client.get("k").body, client.get("k").metadata), (b"new", {}))

    def test_a_range_is_cut_out(self):
        client = self.bucket()
        client.put("k", bytes(range(256)))
        self.assertEqual(client.get("k", byte_range=(10, 19)).body, bytes(range(10, 20)))

    def test_parts_become_one_object(self):
        client = self.bucket()
        parts = [b"a" * (5 << 20), b"tail"]
        whole = b"".join(parts)
        client.multipart("big", parts)
        seen = client.get("big")
        digests = b"".join(twin.md5(part).digest() for part in parts)
        self.assertEqual(seen.etag.lower(), f"{twin.md5(digests).hexdigest()}-2")
        self.assertEqual(twin.md5(seen.body).digest(), twin.md5(whole).digest())

    def test_delete_removes_and_is_no_error_the_second_time(self):
        client = self.bucket()
        for key in self.keys(client).values():
            client.put(key, b"x")
            client.delete(key)
            client.delete(key)
        self.assertEqual(client.list("v1"), [])

    def test_multi_delete_removes_exactly_the_keys_named(self):
        client = self.bucket()
        keys = [*self.keys(client).values(), "never there"]
        for key in [*keys[:-1], "survivor"]:
            client.put(key, b"x")
        self.assertEqual(set(client.delete_many(keys)), set(keys))
        self.assertEqual(client.list("v1"), ["survivor"])

    def test_a_missing_key_is_told_by_type_and_code(self):
        client = self.bucket()
        with self.refused(404, "NoSuchKey"):
            client.get("nowhere")
        with self.refused(404, "NoSuchKey"):
            client.head("nowhere")

    def test_a_missing_bucket_is_told_by_type_and_code(self):
        with self.refused(404, "NoSuchBucket"):
            self.client("no-such-bucket-here").get("k")

    def test_a_wrong_secret_is_a_signature_mismatch(self):
        client = self.bucket()
        client.put("k", b"x")
        intruder = self.client(client.name, secret=twin.WRONG_SECRET)
        for attempt in (
            lambda: intruder.get("k"),
            lambda: intruder.put("k", b"overwritten"),
            lambda: intruder.delete("k"),
            lambda: intruder.list("v1"),
        ):
            with self.refused(403, "SignatureDoesNotMatch"):
                attempt()
        self.assertEqual(client.get("k").body, b"x")

    def test_an_unknown_access_key_is_told(self):
        stranger = self.client(self.bucket().name, access_key="NOBODYSACCESSKEY0000")
        with self.refused(403, "InvalidAccessKeyId"):
            stranger.get("k")

    def test_a_clock_16_minutes_off_is_refused_and_14_is_not(self):
        client = self.bucket()
        client.put("k", b"x")
        for minutes in (16, -16):
            with client.clock(minutes), self.refused(403, "RequestTimeTooSkewed"):
                client.get("k")
        for minutes in (14, -14):
            with client.clock(minutes):
                self.assertEqual(client.get("k").body, b"x")

    def test_content_that_differs_from_its_md5_is_not_stored(self):
        client = self.bucket()
        other = base64.b64encode(twin.md5(b"other").digest()).decode()
        with self.refused(400, self.md5_mismatch):
            client.put("k", b"this", md5=other)
        self.assertEqual(client.list("v1"), [])
        client.put("k", b"other", md5=other)

    def test_a_presigned_url_opens_one_object_to_anybody(self):
        client = self.bucket()
        for name, key in self.keys(client).items():
            with self.subTest(name):
                client.put(key, key.encode())
                with urllib.request.urlopen(client.presign(key), timeout=30) as response:
                    self.assertEqual(response.read(), key.encode())

    def test_a_tampered_presigned_url_opens_nothing(self):
        client = self.bucket()
        client.put("open", b"x")
        client.put("other", b"secret")
        good = client.presign("open")
        self.assertIn("/open?", good)
        intruder = self.client(client.name, secret=twin.WRONG_SECRET)
        for url in (
            good.replace("/open?", "/other?"),
            good + "&response-content-type=text/html",
            intruder.presign("open"),
        ):
            with self.subTest(url), self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(url, timeout=30)
            with refused.exception as answer:
                self.assertEqual(answer.code, 403)
                self.assertIn(b"<Code>SignatureDoesNotMatch</Code>", answer.read())
