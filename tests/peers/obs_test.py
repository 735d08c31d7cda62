"""esdk-obs-python, Huawei Cloud's Python client of OBS, in its own dialect and in that of S3 (V2)."""

import unittest
from unittest import mock
from urllib.parse import urlsplit

import obs

import contract
import twin
from contract import Object, Refused


def accepted(response):
    """This client returns refusals; for HEAD the code is in a header."""
    if response.status < 300:
        return response
    code = response.errorCode or dict(response.header).get("error-code")
    raise Refused(type(response).__name__, response.status, code)


class Esdk(contract.Client):
    listings = ("v1",)

    def __init__(self, sdk, name):
        self.sdk, self.name = sdk, name

    def create_bucket(self):
        accepted(self.sdk.createBucket(self.name))

    def put(self, key, body, *, content_type=None, metadata=None, md5=None):
        headers = obs.PutObjectHeader(contentType=content_type, md5=md5, isAttachCrc64=True)
        response = accepted(self.sdk.putContent(self.name, key, body, metadata, headers))
        return Object(response.body.etag.strip('"'), self._crc64(response))

    def get(self, key, byte_range=None):
        headers = obs.GetObjectHeader(range=byte_range and "{}-{}".format(*byte_range))
        response = accepted(
            self.sdk.getObject(
                self.name, key, headers=headers, loadStreamInMemory=True, isAttachCrc64=byte_range is None
            )
        )
        return self._object(response, response.body.buffer or b"")

    def head(self, key):
        return self._object(accepted(self.sdk.getObjectMetadata(self.name, key)))

    def _object(self, response, body=b""):
        headers = dict(response.header)
        metadata = {name: headers[name] for name in contract.METADATA if name in headers}
        return Object(response.body.etag.strip('"'), self._crc64(response), body, response.body.contentType, metadata)

    @staticmethod
    def _crc64(response):
        return int(dict(response.header)["checksum-crc64ecma"])

    def delete(self, key):
        accepted(self.sdk.deleteObject(self.name, key))

    def delete_many(self, keys, encoding_type="url"):
        objects = [obs.Object(key=key) for key in keys]
        request = obs.DeleteObjectsRequest(objects=objects, encoding_type=encoding_type)
        response = accepted(self.sdk.deleteObjects(self.name, request))
        return [deleted.key for deleted in response.body.deleted]

    def list(self, version, *, prefix="", delimiter="", page=1000):
        found, marker = [], None
        while True:
            response = accepted(
                self.sdk.listObjects(self.name, prefix, marker, page, delimiter or None, encoding_type="url")
            )
            found += [entry.key for entry in response.body.contents]
            found += [entry.prefix for entry in response.body.commonPrefixs]
            if not response.body.is_truncated:
                return sorted(found, key=str.encode) if delimiter else found
            marker = response.body.next_marker

    def multipart(self, key, parts):
        upload = accepted(self.sdk.initiateMultipartUpload(self.name, key)).body.uploadId
        done = []
        for number, part in enumerate(parts, 1):
            response = accepted(self.sdk.uploadPart(self.name, key, number, upload, content=part))
            done.append(obs.CompletePart(number, response.body.etag))
        accepted(self.sdk.completeMultipartUpload(self.name, key, upload, obs.CompleteMultipartUploadRequest(done)))

    def presign(self, key):
        return self.sdk.createSignedUrl("GET", self.name, key, expires=60).signedUrl

    def clock(self, minutes):
        # Imported from its module anew for every request.
        return mock.patch("datetime.datetime", twin.clock(minutes))


class EsdkTests(contract.ObjectStore):
    kinds = {"": "GetResult"}
    md5_mismatch = "BadDigest"

    def client(self, bucket, *, secret=None, access_key=None):
        account = twin.HUAWEI_ACCOUNT
        sdk = obs.ObsClient(
            access_key_id=access_key or account["access_key"],
            secret_access_key=secret or account["secret_key"],
            server=self.server(),
            max_retry_count=0,
        )
        self.addCleanup(sdk.close)
        return Esdk(sdk, bucket)

    def test_a_false_checksum_of_the_client_is_refused(self):
        client = self.bucket()
        headers = obs.PutObjectHeader(crc64="1")
        with self.refused(400, "BadDigest"):
            accepted(client.sdk.putContent(client.name, "k", "x", headers=headers))
        self.assertEqual(client.list("v1"), [])

    def test_multi_delete_takes_keys_as_they_are_unless_told_otherwise(self):
        client = self.bucket()
        for key in ("a+b", "a b", "100%25"):
            client.put(key, b"x")
        self.assertEqual(client.delete_many(["a+b", "100%25"], encoding_type=None), ["a+b", "100%25"])
        self.assertEqual(client.list("v1"), ["a b"])

    def test_the_buckets_of_the_account_are_listed(self):
        client = self.bucket()
        response = accepted(client.sdk.listBuckets())
        self.assertIn(client.name, [bucket.name for bucket in response.body.buckets])


class DialectObs(EsdkTests, unittest.TestCase):
    """Virtual-host names: the client asks for the dialect, hears of OBS, and signs `OBS AK:signature`."""

    def setUp(self):
        resolver = twin.names_lead_to_loopback()
        resolver.start()
        self.addCleanup(resolver.stop)

    @staticmethod
    def server():
        return f"http://obs.cn-north-4.myhuaweicloud.com:{urlsplit(twin.READY['obs_url']).port}"

    def test_it_is_the_dialect_of_obs_that_is_spoken(self):
        client = self.bucket()
        with mock.patch.object(obs.auth.Authentication, "doAuth", autospec=True) as sign:
            sign.side_effect = RuntimeError("signing")
            with self.assertRaisesRegex(RuntimeError, "signing"):
                client.put("k", b"x")
        self.assertEqual(sign.call_args.args[0].ha.auth_prefix(), "OBS")


class DialectV2(EsdkTests, unittest.TestCase):
    """An IP address means path style, for which this client falls back to `AWS AK:signature`."""

    @staticmethod
    def server():
        return twin.READY["obs_url"]

    def test_it_is_the_dialect_of_s3_that_is_spoken(self):
        self.assertEqual(self.bucket().sdk.ha.auth_prefix(), "AWS")
