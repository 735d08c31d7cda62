"""oss2, Alibaba Cloud's first Python client of OSS, with signature V1 and V4."""

import base64
import contextlib
import email.utils
import json
import pathlib
import tempfile
import time
import unittest
from unittest import mock
from urllib.parse import parse_qs, unquote, urlsplit

import oss2
from Crypto.Hash import MD5
from Crypto.PublicKey import RSA
from Crypto.Signature import pkcs1_15
from oss2 import exceptions

import contract
import twin
from contract import Object, Refused


@contextlib.contextmanager
def refusals():
    try:
        yield
    except exceptions.ServerError as error:
        raise Refused(type(error).__name__, error.status, error.code) from error


class Oss2(contract.Client):
    def __init__(self, auth, name, endpoint=None):
        self.name = name
        self.sdk = oss2.Bucket(
            auth,
            endpoint or twin.READY["oss_url"],
            name,
            region=twin.READY["region"],
            is_path_style=endpoint is None,
        )

    @refusals()
    def create_bucket(self):
        self.sdk.create_bucket()

    @refusals()
    def put(self, key, body, *, content_type=None, metadata=None, md5=None):
        headers = {f"x-oss-meta-{name}": value for name, value in (metadata or {}).items()}
        headers |= {"Content-Type": content_type} if content_type else {}
        headers |= {"Content-MD5": md5} if md5 else {}
        result = self.sdk.put_object(key, body, headers=headers)
        return Object(result.etag, result.crc)

    @refusals()
    def get(self, key, byte_range=None):
        result = self.sdk.get_object(key, byte_range=byte_range)
        body = result.read()
        if byte_range is None:
            # What oss2 itself compares only where a whole object goes into a file.
            oss2.utils.check_crc("get", result.client_crc, result.server_crc, result.request_id)
        return self._object(result, body)

    @refusals()
    def head(self, key):
        return self._object(self.sdk.head_object(key))

    @staticmethod
    def _object(result, body=b""):
        headers = {name.lower(): value for name, value in result.headers.items()}
        prefix = "x-oss-meta-"
        metadata = {name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(prefix)}
        return Object(result.etag, result.server_crc, body, headers["content-type"], metadata)

    @refusals()
    def delete(self, key):
        self.sdk.delete_object(key)

    @refusals()
    def delete_many(self, keys):
        return self.sdk.batch_delete_objects(keys).deleted_keys

    @refusals()
    def list(self, version, *, prefix="", delimiter="", page=1000):
        iterator = {"v1": oss2.ObjectIterator, "v2": oss2.ObjectIteratorV2}[version]
        return [entry.key for entry in iterator(self.sdk, prefix, delimiter, max_keys=page)]

    @refusals()
    def multipart(self, key, parts):
        upload = self.sdk.init_multipart_upload(key).upload_id
        done = []
        for number, part in enumerate(parts, 1):
            result = self.sdk.upload_part(key, upload, number, part)
            done.append(oss2.models.PartInfo(number, result.etag, len(part), result.crc))
        self.sdk.complete_multipart_upload(key, upload, done)

    def presign(self, key):
        return self.sdk.sign_url("GET", key, 60, slash_safe=True)

    def presign_put(self, key, length):
        headers = {"Content-Length": str(length), "Content-Type": "text/plain"}
        return self.sdk.sign_url("PUT", key, 60, headers, slash_safe=True, additional_headers={"content-length"})

    @contextlib.contextmanager
    def clock(self, minutes):
        def http_date():
            return email.utils.formatdate(time.time() + minutes * 60, usegmt=True)

        with (
            mock.patch("oss2.auth.datetime", twin.clock(minutes)),
            mock.patch("oss2.utils.http_date", http_date),
        ):
            yield


class Oss2Tests(contract.ObjectStore):
    kinds = {
        "NoSuchKey": "NoSuchKey",
        "NoSuchBucket": "NoSuchBucket",
        "SignatureDoesNotMatch": "SignatureDoesNotMatch",
        "InvalidDigest": "InvalidDigest",
        "": "ServerError",
    }
    md5_mismatch = "InvalidDigest"
    version = None

    def client(self, bucket, *, secret=None, access_key=None):
        account = twin.OSS_ACCOUNT
        keys = (access_key or account["access_key"], secret or account["secret_key"])
        return Oss2(oss2.make_auth(*keys, self.version), bucket)

    def test_a_resumable_upload_begins_with_a_list_of_no_parts(self):
        client = self.bucket()
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "file")
            body = b"a" * (300 << 10) + b"tail"
            file.write_bytes(body)
            store = oss2.ResumableStore(root=folder)
            result = oss2.resumable_upload(
                client.sdk, "k", str(file), store=store, multipart_threshold=1, part_size=100 << 10
            )
        self.assertEqual(result.status, 200)
        self.assertEqual(client.get("k").body, body)
        upload = client.sdk.init_multipart_upload("none").upload_id
        listed = client.sdk.list_parts("none", upload)
        self.assertEqual((listed.parts, listed.is_truncated, listed.next_marker), ([], False, "0"))

    def test_an_object_grows_by_appends(self):
        client = self.bucket()
        first = client.sdk.append_object("k", 0, b"one ", init_crc=0)
        second = client.sdk.append_object("k", first.next_position, b"two", init_crc=first.crc)
        self.assertEqual((second.next_position, second.crc), (7, twin.crc64(b"one two")))
        self.assertEqual(client.get("k").body, b"one two")
        with self.assertRaises(exceptions.PositionNotEqualToLength) as refused:
            client.sdk.append_object("k", 3, b"x")
        self.assertEqual(refused.exception.next_position, 7)
        client.put("put", b"x")
        with self.assertRaises(exceptions.ObjectNotAppendable):
            client.sdk.append_object("put", 1, b"x")

    def test_an_archived_object_is_read_once_it_is_restored(self):
        client = self.bucket()
        client.put("k", b"x")
        for storage_class in ("Archive", "ColdArchive", "DeepColdArchive"):
            with self.subTest(storage_class):
                client.sdk.put_object("old", b"x", headers={"x-oss-storage-class": storage_class})
                with self.refused(403, "InvalidObjectState"):
                    client.get("old")
                self.assertEqual(client.sdk.restore_object("old").status, 202)
                self.assertEqual(client.sdk.head_object("old").headers["x-oss-restore"], 'ongoing-request="true"')
                with self.assertRaises(exceptions.RestoreAlreadyInProgress):
                    client.sdk.restore_object("old")
                twin.admin("POST", "/restores/finish", {})
                self.assertEqual(client.get("old").body, b"x")
                self.assertEqual(client.sdk.restore_object("old").status, 200)
        with self.assertRaises(exceptions.OperationNotSupported):
            client.sdk.restore_object("k")

    def test_tags_acl_and_settings_come_back(self):
        client = self.bucket()
        client.put("k", b"x")
        rule = oss2.models.TaggingRule()
        rule.add("colour", "blue & 红")
        client.sdk.put_object_tagging("k", oss2.models.Tagging(rule))
        self.assertEqual(client.sdk.get_object_tagging("k").tag_set.tagging_rule, {"colour": "blue & 红"})
        client.sdk.delete_object_tagging("k")
        self.assertEqual(client.sdk.get_object_tagging("k").tag_set.tagging_rule, {})
        for acl in ("public-read", "private", "default"):
            client.sdk.put_object_acl("k", acl)
            self.assertEqual(client.sdk.get_object_acl("k").acl, acl)
        with self.assertRaises(exceptions.NoSuchServerSideEncryptionRule):
            client.sdk.get_bucket_encryption()

    def test_a_bucket_is_counted(self):
        client = self.bucket()
        client.put("k", b"12345")
        client.sdk.put_object("old", b"123", headers={"x-oss-storage-class": "Archive"})
        client.sdk.init_multipart_upload("up")
        stat = client.sdk.get_bucket_stat()
        self.assertEqual((stat.storage_size_in_bytes, stat.object_count, stat.multi_part_upload_count), (8, 2, 1))
        self.assertEqual((stat.standard_storage, stat.archive_storage, stat.archive_object_count), (5, 3, 1))

    def test_temporary_credentials_need_their_token(self):
        name = self.bucket().name
        account = twin.OSS_TEMPORARY_ACCOUNT
        keys = (account["access_key"], account["secret_key"])
        with_token = oss2.StsAuth(*keys, account["security_token"], self.version)
        client = Oss2(with_token, name)
        client.put("k", b"x")
        self.assertEqual(client.get("k").body, b"x")
        self.assertEqual(client.list("v2"), ["k"])
        with self.refused(403, "InvalidAccessKeyId"):
            Oss2(oss2.make_auth(*keys, self.version), name).get("k")
        with self.refused(403, "InvalidSecurityToken"):
            Oss2(oss2.StsAuth(*keys, "another", self.version), name).get("k")

    def test_a_false_checksum_is_noticed(self):
        client = self.bucket()
        lie = {"status": 200, "headers": [["x-oss-hash-crc64ecma", "1"], ["etag", '"0"']], "body": ""}
        with twin.fault(service="oss", method="PUT", key="lied-about", action={"respond": lie}):
            with self.assertRaises(exceptions.InconsistentError):
                client.put("lied-about", b"x")

    def test_virtual_host_names_address_the_bucket(self):
        path_style = self.bucket()
        port = urlsplit(twin.READY["oss_url"]).port
        endpoint = f"http://oss-{twin.READY['region']}.aliyuncs.com:{port}"
        with twin.names_lead_to_loopback():
            client = Oss2(path_style.sdk.auth, path_style.name, endpoint)
            client.put("a//b c", b"x")
            self.assertEqual(client.get("a//b c").body, b"x")
            self.assertEqual(client.list("v2"), ["a//b c"])
        self.assertEqual(path_style.get("a//b c").body, b"x")

    def test_a_put_raises_the_native_event(self):
        client = self.bucket()
        with twin.function() as (url, calls):
            twin.admin("POST", "/notifications", {"bucket": client.name, "function_url": url, "suffix": ".txt"})
            client.sdk.put_object("not watched", b"x")
            client.sdk.put_object("目录/a b+c%.txt", b"12345", headers={"Content-Type": "text/plain"})
            result = client.sdk.put_object("目录/a b+c%.txt", b"123", headers={"Content-Type": "text/plain"})
            received = [calls.get(timeout=30), calls.get(timeout=30)]
            self.assertTrue(twin.admin("POST", "/wait", {"idle": True})["met"])
            self.assertTrue(calls.empty())
        # Deliveries overtake each other; the overwrite is told by its request.
        path, headers, body = next(call for call in received if result.request_id in str(call[2]))
        (event,) = body["events"]
        self.assertEqual(path, "/invoke")
        self.assertEqual(headers["x-fc-control-path"], "/invoke")
        self.assertEqual(headers["x-fc-access-key-id"], twin.OSS_TEMPORARY_ACCOUNT["access_key"])
        self.assertEqual(headers["x-fc-security-token"], twin.OSS_TEMPORARY_ACCOUNT["security_token"])
        etag = twin.md5(b"123").hexdigest().upper()
        self.assertEqual(event["eventName"], "ObjectCreated:PutObject")
        self.assertEqual((event["eventSource"], event["eventVersion"]), ("acs:oss", "1.0"))
        self.assertRegex(event["eventTime"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$")
        self.assertEqual(event["region"], twin.READY["region"])
        self.assertEqual(event["responseElements"]["requestId"], result.request_id)
        stored = event["oss"]["object"]
        self.assertEqual(stored["key"], "目录/a b+c%.txt")
        self.assertEqual((stored["size"], stored["deltaSize"], stored["eTag"]), (3, -2, etag))
        self.assertEqual(stored["objectMeta"], {"mimeType": "text/plain"})
        bucket = event["oss"]["bucket"]
        self.assertEqual(bucket["name"], client.name)
        owner = event["userIdentity"]["principalId"]
        self.assertEqual(bucket["arn"], f"acs:oss:{twin.READY['region']}:{owner}:{client.name}")
        self.assertEqual(event["oss"]["ossSchemaVersion"], "1.0")


    def check_callback(self, target, headers, body):
        """As the documentation tells application servers to check a callback; pycryptodome does the arithmetic."""
        key = RSA.import_key(twin.callback_key(base64.b64decode(headers["x-oss-pub-key-url"]).decode()))
        path, mark, query = target.partition("?")
        verifier = pkcs1_15.new(key)
        signature = base64.b64decode(headers["authorization"])
        verifier.verify(MD5.new((unquote(path) + mark + query + "\n").encode() + body), signature)
        with self.assertRaises(ValueError):
            verifier.verify(MD5.new((path + mark + query + "&\n").encode() + body), signature)
        self.assertEqual(base64.b64decode(headers["content-md5"]), twin.md5(body).digest())

    def test_a_put_with_a_callback_is_vouched_for_and_answered_by_the_server(self):
        client = self.bucket()
        key = "目录/a b+c%.txt"
        template = "object=${object}&size=${size}&etag=${etag}&type=${mimeType}&who=${x:who}"
        with twin.callback_server() as (url, calls):
            callback = {"callbackUrl": f"{url}/call%20back?a=%2F", "callbackBody": template}
            headers = {"Content-Type": "text/plain", "x-oss-callback": self.encoded(callback)}
            headers["x-oss-callback-var"] = self.encoded({"x:who": "a&b"})
            result = client.sdk.put_object(key, b"123", headers=headers)
            self.assertEqual((result.status, result.resp.read()), (200, b'{"Status":"OK"}'))
            target, headers, body = calls.get(timeout=30)
        self.assertEqual(target, "/call%20back?a=%2F")
        self.check_callback(target, headers, body)
        self.assertEqual(headers["x-oss-request-id"], result.request_id)
        etag = twin.md5(b"123").hexdigest().upper()
        sent = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.assertEqual(sent, {"object": key, "size": "3", "etag": etag, "type": "text/plain", "who": "a&b"})

    def test_a_multipart_upload_calls_back_once_it_is_complete(self):
        client = self.bucket()
        upload = client.sdk.init_multipart_upload("k").upload_id
        part = client.sdk.upload_part("k", upload, 1, b"12345")
        parts = [oss2.models.PartInfo(1, part.etag, 5, part.crc)]
        template = '{"object":${object},"size":${size},"op":${operation}}'
        with twin.callback_server() as (url, calls):
            callback = {"callbackUrl": url, "callbackBody": template, "callbackBodyType": "application/json"}
            headers = {"x-oss-callback": self.encoded(callback)}
            result = client.sdk.complete_multipart_upload("k", upload, parts, headers=headers)
            self.assertEqual((result.status, result.resp.read()), (200, b'{"Status":"OK"}'))
            target, headers, body = calls.get(timeout=30)
        self.check_callback(target, headers, body)
        self.assertEqual(json.loads(body), {"object": "k", "size": 5, "op": "CompleteMultipartUpload"})
        self.assertEqual(client.get("k").body, b"12345")

    def test_a_callback_that_fails_leaves_the_object_and_says_so(self):
        client = self.bucket()
        with twin.callback_server(b"no JSON") as (url, _):
            headers = {"x-oss-callback": self.encoded({"callbackUrl": url, "callbackBody": "x"})}
            result = client.sdk.put_object("k", b"123", headers=headers)
            self.assertEqual(result.status, 203)
            self.assertIn(b"<Code>CallbackFailed</Code>", result.resp.read())
        self.assertEqual(client.get("k").body, b"123")
        with refusals(), self.assertRaises(exceptions.ServerError) as refused:
            client.sdk.put_object("other", b"123", headers={"x-oss-callback": "%"})
        self.assertEqual((refused.exception.status, refused.exception.code), (400, "InvalidArgument"))
        self.assertEqual(client.list("v1"), ["k"])

    @staticmethod
    def encoded(document):
        return base64.b64encode(json.dumps(document).encode()).decode()

    def test_cross_origin_rules_come_back_and_are_obeyed(self):
        client = self.bucket()
        rule = oss2.models.CorsRule(
            allowed_origins=["https://*.example.com"],
            allowed_methods=["GET", "POST"],
            allowed_headers=["*"],
            expose_headers=["ETag"],
            max_age_seconds=60,
        )
        client.sdk.put_bucket_cors(oss2.models.BucketCors([rule]))
        (kept,) = client.sdk.get_bucket_cors().rules
        for name in ("allowed_origins", "allowed_methods", "allowed_headers", "expose_headers", "max_age_seconds"):
            self.assertEqual(getattr(kept, name), getattr(rule, name))
        client.put("k", b"x")
        result = client.sdk.get_object("k", headers={"Origin": "https://a.example.com"})
        self.assertEqual(result.headers["Access-Control-Allow-Origin"], "https://a.example.com")
        self.assertEqual(result.headers["Access-Control-Expose-Headers"], "ETag")
        client.sdk.delete_bucket_cors()
        with self.assertRaises(exceptions.NoSuchCors):
            client.sdk.get_bucket_cors()

    def test_a_picture_and_a_frame_are_processed_on_the_way_out(self):
        client = self.bucket()
        client.put("a.gif", b"GIF89a\x03\0\x04\0", content_type="image/gif")
        client.put("a.mp4", b"video", content_type="video/mp4")
        url = client.sdk.sign_url("GET", "a.mp4", 60, params={"x-oss-process": "video/snapshot,t_0,f_png"})
        with twin.urllib.request.urlopen(url, timeout=30) as response:
            self.assertTrue(response.read().startswith(b"\x89PNG"))
        self.assertEqual(client.sdk.get_object("a.gif", process="image/resize,w_1").read()[:3], b"GIF")
        with self.refused(400, "BadRequest"), refusals():
            client.sdk.get_object("a.mp4", process="image/resize,w_1")


class SignatureV1(Oss2Tests, unittest.TestCase):
    version = oss2.AUTH_VERSION_1


class SignatureV4(contract.SizedUploads, Oss2Tests, unittest.TestCase):
    version = oss2.AUTH_VERSION_4
