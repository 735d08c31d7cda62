"""alibabacloud-oss-v2, Alibaba Cloud's second Python client of OSS, with signature V4 and V1."""

import contextlib
import datetime
import types
import unittest
from unittest import mock

import alibabacloud_oss_v2 as oss
from alibabacloud_oss_v2 import exceptions

import contract
import twin
from contract import Object, Refused


@contextlib.contextmanager
def refusals():
    try:
        yield
    except exceptions.OperationError as error:
        cause = error.unwrap()
        if not isinstance(cause, exceptions.ServiceError):
            raise
        raise Refused(type(cause).__name__, cause.status_code, cause.code) from error


def client_of(version, access_key, secret, token=None):
    config = oss.config.load_default()
    config.credentials_provider = oss.credentials.StaticCredentialsProvider(access_key, secret, token)
    config.region = twin.READY["region"]
    config.endpoint = twin.READY["oss_url"]
    config.use_path_style = True
    config.signature_version = version
    # A clock that is off would be tried again, with pauses, and refused again.
    config.retry_max_attempts = 1
    return oss.Client(config)


class OssV2(contract.Client):
    # Its transport (requests) resolves dot segments after signing.
    cannot_put = {
        "parent segment": (403, "SignatureDoesNotMatch"),
        "current segment": (403, "SignatureDoesNotMatch"),
    }

    def __init__(self, sdk, name):
        self.sdk, self.name = sdk, name

    @refusals()
    def create_bucket(self):
        self.sdk.put_bucket(oss.PutBucketRequest(self.name))

    @refusals()
    def put(self, key, body, *, content_type=None, metadata=None, md5=None):
        request = oss.PutObjectRequest(
            self.name, key, body=body, content_type=content_type, metadata=metadata, content_md5=md5
        )
        result = self.sdk.put_object(request)
        return Object(result.etag.strip('"'), int(result.hash_crc64))

    @refusals()
    def get(self, key, byte_range=None):
        header = byte_range and "bytes={}-{}".format(*byte_range)
        result = self.sdk.get_object(oss.GetObjectRequest(self.name, key, range_header=header))
        with result.body as body:
            return self._object(result, body.read())

    @refusals()
    def head(self, key):
        return self._object(self.sdk.head_object(oss.HeadObjectRequest(self.name, key)))

    @staticmethod
    def _object(result, body=b""):
        metadata = dict(result.metadata or {})
        return Object(result.etag.strip('"'), int(result.hash_crc64), body, result.content_type, metadata)

    @refusals()
    def delete(self, key):
        self.sdk.delete_object(oss.DeleteObjectRequest(self.name, key))

    @refusals()
    def delete_many(self, keys):
        named = [oss.DeleteObject(key) for key in keys]
        result = self.sdk.delete_multiple_objects(oss.DeleteMultipleObjectsRequest(self.name, objects=named))
        return [deleted.key for deleted in result.deleted_objects]

    @refusals()
    def list(self, version, *, prefix="", delimiter="", page=1000):
        paginator, request = {
            "v1": (self.sdk.list_objects_paginator, oss.ListObjectsRequest),
            "v2": (self.sdk.list_objects_v2_paginator, oss.ListObjectsV2Request),
        }[version]
        request = request(self.name, prefix=prefix, delimiter=delimiter)
        found = []
        for listed in paginator(limit=page).iter_page(request):
            found += [entry.key for entry in listed.contents or []]
            found += [entry.prefix for entry in listed.common_prefixes or []]
        return sorted(found, key=str.encode) if delimiter else found

    @refusals()
    def multipart(self, key, parts):
        upload = self.sdk.initiate_multipart_upload(oss.InitiateMultipartUploadRequest(self.name, key)).upload_id
        done = []
        for number, part in enumerate(parts, 1):
            request = oss.UploadPartRequest(self.name, key, number, upload, body=part)
            done.append(oss.UploadPart(number, self.sdk.upload_part(request).etag))
        request = oss.CompleteMultipartUploadRequest(
            self.name, key, upload, complete_multipart_upload=oss.CompleteMultipartUpload(done)
        )
        self.sdk.complete_multipart_upload(request)

    def presign(self, key):
        return self.sdk.presign(oss.GetObjectRequest(self.name, key)).url

    @contextlib.contextmanager
    def clock(self, minutes):
        shifted = types.SimpleNamespace(
            datetime=twin.clock(minutes), timedelta=datetime.timedelta, timezone=datetime.timezone
        )
        with (
            mock.patch("alibabacloud_oss_v2.signer.v1.datetime", shifted),
            mock.patch("alibabacloud_oss_v2.signer.v4.datetime", shifted),
        ):
            yield


class OssV2Tests(contract.ObjectStore):
    kinds = {"": "ServiceError"}
    md5_mismatch = "InvalidDigest"
    version = None

    def client(self, bucket, *, secret=None, access_key=None):
        account = twin.OSS_ACCOUNT
        keys = (access_key or account["access_key"], secret or account["secret_key"])
        return OssV2(client_of(self.version, *keys), bucket)

    def test_keys_that_the_client_cannot_put_are_refused_not_renamed(self):
        client = self.bucket()
        for name, (status, code) in client.cannot_put.items():
            with self.subTest(name), self.refused(status, code):
                client.put(twin.AWKWARD_KEYS[name], b"x")
        self.assertEqual(client.list("v1"), [])

    def test_a_false_checksum_is_noticed(self):
        client = self.bucket()
        lie = {"status": 200, "headers": [["x-oss-hash-crc64ecma", "1"], ["etag", '"0"']], "body": ""}
        with twin.fault(service="oss", method="PUT", key="lied-about", action={"respond": lie}):
            with self.assertRaises(exceptions.OperationError) as raised:
                client.put("lied-about", b"x")
        self.assertIsInstance(raised.exception.unwrap(), exceptions.InconsistentError)


class SignatureV4(OssV2Tests, unittest.TestCase):
    version = "v4"

    # Not with V1: there this client sends the token as `security-token`, a header that OSS does not document.
    def test_temporary_credentials_need_their_token(self):
        name = self.bucket().name
        account = twin.OSS_TEMPORARY_ACCOUNT
        keys = (account["access_key"], account["secret_key"])
        client = OssV2(client_of(self.version, *keys, account["security_token"]), name)
        client.put("k", b"x")
        self.assertEqual(client.get("k").body, b"x")
        with self.refused(403, "InvalidAccessKeyId"):
            OssV2(client_of(self.version, *keys), name).get("k")


class SignatureV1(OssV2Tests, unittest.TestCase):
    version = "v1"
