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

    def test_an_object_grows_by_appends(self):
        client = self.bucket()
        for position, piece in ((0, "one "), (4, "two")):
            content = obs.AppendObjectContent(content=piece, position=position)
            response = accepted(client.sdk.appendObject(client.name, "k", content))
            self.assertEqual(int(response.body.nextPosition), position + len(piece))
        self.assertEqual(client.get("k").body, b"one two")
        with self.refused(409, "PositionNotEqualToLength"):
            accepted(client.sdk.appendObject(client.name, "k", obs.AppendObjectContent(content="x", position=1)))

    def test_metadata_is_changed_without_the_content(self):
        client = self.bucket()
        client.put("k", b"x", content_type="text/plain", metadata={"origin": "peer"})
        headers = obs.SetObjectMetadataHeader(contentType="text/x-new", removeUnset=False)
        accepted(client.sdk.setObjectMetadata(client.name, "k", {"note": "new"}, headers))
        seen = client.get("k")
        self.assertEqual((seen.body, seen.content_type), (b"x", "text/x-new"))
        self.assertEqual(seen.metadata, {"origin": "peer", "note": "new"})
        headers = obs.SetObjectMetadataHeader(removeUnset=True)
        accepted(client.sdk.setObjectMetadata(client.name, "k", {"note": "only"}, headers))
        self.assertEqual(client.head("k").metadata, {"note": "only"})

    def test_a_cold_object_is_read_once_it_is_restored(self):
        client = self.bucket()
        accepted(client.sdk.putContent(client.name, "k", "x", headers=obs.PutObjectHeader(storageClass="COLD")))
        with self.refused(403, "InvalidObjectState"):
            client.get("k")
        self.assertEqual(accepted(client.sdk.restoreObject(client.name, "k", 1, "Expedited")).status, 202)
        self.assertEqual(accepted(client.sdk.getObjectMetadata(client.name, "k")).body.restore, 'ongoing-request="true"')
        with self.refused(409, "RestoreAlreadyInProgress"):
            accepted(client.sdk.restoreObject(client.name, "k", 1, "Expedited"))
        twin.admin("POST", "/restores/finish", {})
        self.assertEqual(client.get("k").body, b"x")

    def test_tags_and_acl_come_back(self):
        client = self.bucket()
        client.put("k", b"x")
        owner = obs.Owner(owner_id="owner")
        grant = obs.Grant(grantee=obs.Grantee(grantee_id="reader"), permission="READ")
        accepted(client.sdk.setObjectAcl(client.name, "k", obs.ACL(owner=owner, grants=[grant])))
        found = accepted(client.sdk.getObjectAcl(client.name, "k")).body
        self.assertEqual(
            (found.owner.owner_id, [(one.grantee.grantee_id, one.permission) for one in found.grants]),
            ("owner", [("reader", "READ")]),
        )
        accepted(client.sdk.setObjectAcl(client.name, "k", aclControl="public-read"))
        found = accepted(client.sdk.getObjectAcl(client.name, "k")).body.grants
        self.assertEqual([one.permission for one in found], ["FULL_CONTROL", "READ"])

    def test_a_completed_upload_is_told_with_its_address(self):
        client = self.bucket()
        upload = accepted(client.sdk.initiateMultipartUpload(client.name, "a/b c")).body.uploadId
        part = accepted(client.sdk.uploadPart(client.name, "a/b c", 1, upload, content="x"))
        request = obs.CompleteMultipartUploadRequest([obs.CompletePart(1, part.body.etag)])
        done = accepted(client.sdk.completeMultipartUpload(client.name, "a/b c", upload, request))
        self.assertEqual(done.body.location, self.address(client.name) + "/a/b%20c")

    def test_an_encryption_that_was_never_set_is_not_found(self):
        client = self.bucket()
        with self.refused(404, "NoSuchEncryptionConfiguration"):
            accepted(client.sdk.getBucketEncryption(client.name))

    def test_every_sub_resource_that_it_signs_is_in_the_signature(self):
        client = self.bucket()
        for ask in (
            client.sdk.getBucketPublicAccessBlock,
            client.sdk.getBucketPolicyPublicStatus,
            client.sdk.getBucketDisPolicy,
            client.sdk.getBucketDirectColdAccess,
            client.sdk.getBucketRequestPayment,
            client.sdk.getBucketObjectLock,
        ):
            # Not what the local cloud can do; a signature that is none would be refused before (403).
            with self.subTest(ask.__name__), self.refused(501, "NotImplemented"):
                accepted(ask(client.name))

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

    @classmethod
    def address(cls, bucket):
        return cls.server().replace("://", f"://{bucket}.")

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

    @classmethod
    def address(cls, bucket):
        return f"{cls.server()}/{bucket}"

    def test_the_names_of_s3_are_those_of_its_classes(self):
        client = self.bucket()
        for name, storage_class in (("STANDARD_IA", "WARM"), ("GLACIER", "COLD")):
            headers = obs.PutObjectHeader(storageClass=storage_class)
            accepted(client.sdk.putContent(client.name, "k", "x", headers=headers))
            self.assertEqual(accepted(client.sdk.getObjectMetadata(client.name, "k")).body.storageClass, name)
        with self.refused(403, "InvalidObjectState"):
            client.get("k")

    def test_it_is_the_dialect_of_s3_that_is_spoken(self):
        self.assertEqual(self.bucket().sdk.ha.auth_prefix(), "AWS")


class DialectV4(unittest.TestCase):
    """Told so, it signs as clients of Amazon S3 do."""

    def test_what_it_signs_is_taken_and_nothing_else(self):
        account = twin.HUAWEI_ACCOUNT
        name = "obs-test-v4"

        def client(secret):
            sdk = obs.ObsClient(
                access_key_id=account["access_key"],
                secret_access_key=secret,
                server=twin.READY["obs_url"],
                signature="v4",
                region="cn-north-4",
                max_retry_count=0,
            )
            self.addCleanup(sdk.close)
            return sdk

        sdk = client(account["secret_key"])
        accepted(sdk.createBucket(name))
        for key in ("plain.txt", "a b/+&=%25.txt", "测试.txt"):
            with self.subTest(key):
                accepted(sdk.putContent(name, key, "content", {"origin": "peer"}))
                response = accepted(sdk.getObject(name, key, loadStreamInMemory=True))
                self.assertEqual(response.body.buffer, b"content")
        with self.assertRaises(Refused) as refused:
            accepted(client(twin.WRONG_SECRET).getObject(name, "plain.txt", loadStreamInMemory=True))
        self.assertEqual((refused.exception.status, refused.exception.code), (403, "SignatureDoesNotMatch"))
