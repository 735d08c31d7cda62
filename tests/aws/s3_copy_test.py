"""`oms-bridge copy s3://…`: what boto3 uploaded, Huawei's own client reads at the destination as it was."""

import hashlib
import itertools
import os
import subprocess
import tempfile
import unittest

import obs

import amazon
import twin
from consume_test import KEYS
from worker import Clouds

NUMBERS = itertools.count(1)
# Above the part size that the tests set, and no multiple of it.
LARGE = bytes(range(256)) * 4 * 1100 + b"the end"
CONTENT = {
    "ContentType": "text/x-peer; charset=utf-8",
    "CacheControl": "max-age=60",
    "ContentDisposition": 'attachment; filename="a b.txt"',
    "ContentEncoding": "identity",
    "ContentLanguage": "de",
}
METADATA = {"origin": "boto3", "note": "two words; and=more"}


class Copies(unittest.TestCase):
    def setUp(self):
        number = next(NUMBERS)
        self.bucket, self.mirror = f"s3-source-{number}", f"s3-mirror-{number}"
        self.s3 = amazon.client("s3", amazon.admin())
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": amazon.REGION})
        twin.admin("POST", f"/buckets/obs/{self.mirror}")
        self.keys = amazon.user("source", bucket=self.bucket)
        huawei = twin.HUAWEI_ACCOUNT
        self.obs = obs.ObsClient(
            access_key_id=huawei["access_key"], secret_access_key=huawei["secret_key"], server=twin.READY["obs_url"]
        )
        self.addCleanup(self.obs.close)

    def put(self, key, body=b"content", **options):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **options)

    def copy(self, *arguments, **settings):
        """The exit code, and what was said on both streams."""
        huawei = twin.HUAWEI_ACCOUNT
        environment = {
            **self.keys,
            "AWS_REGION": amazon.REGION,
            "AWS_ENDPOINT_URL_S3": amazon.URL,
            "AWS_EC2_METADATA_DISABLED": "true",
            "DEST_ENDPOINT": twin.READY["obs_url"],
            "HW_AK": huawei["access_key"],
            "HW_SK": huawei["secret_key"],
            "NO_PROXY": "*",
            **settings,
        }
        environment = {name: value for name, value in environment.items() if value is not None}
        command = [os.environ["OMS_BRIDGE"], "copy", *arguments]
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False
            )
        said = done.stdout + done.stderr
        for secret in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HW_SK"):
            if environment.get(secret):
                self.assertNotIn(environment[secret], said)
        return done.returncode, said

    def copied(self, *arguments, **settings):
        code, said = self.copy(*arguments, **settings)
        self.assertEqual(code, 0, said)
        return said

    def mirrored(self, key):
        response = self.obs.getObject(self.mirror, key, loadStreamInMemory=True, isAttachCrc64=True)
        self.assertLess(response.status, 300, (key, response.errorCode))
        return response.body.buffer or b"", dict(response.header), response.body

    def test_content_headers_and_metadata_arrive_at_obs_with_the_recommended_policy(self):
        bodies = {"small": b"content", "large": LARGE, "empty": b""}
        for key, body in bodies.items():
            self.put(key, body, Metadata=METADATA, **CONTENT)
        self.copied("-r", f"s3://{self.bucket}", f"obs://{self.mirror}", "--part-size", "256K")
        for key, body in bodies.items():
            with self.subTest(key):
                found, header, described = self.mirrored(key)
                self.assertEqual(found, body)
                self.assertEqual(int(header["checksum-crc64ecma"]), twin.crc64(body))
                self.assertEqual(described.contentType, CONTENT["ContentType"])
                self.assertEqual(header["cache-control"], CONTENT["CacheControl"])
                self.assertEqual(header["content-disposition"], CONTENT["ContentDisposition"])
                self.assertEqual(header["content-encoding"], CONTENT["ContentEncoding"])
                self.assertEqual(header["content-language"], CONTENT["ContentLanguage"])
                self.assertEqual({name: header[name] for name in METADATA}, METADATA)
                self.assertEqual(header["src-etag"], hashlib.md5(body).hexdigest())

    def test_every_awkward_key_arrives_once_and_is_not_copied_twice(self):
        sent = set()
        for key in KEYS:
            try:
                self.put(key, key.encode())
                sent.add(key)
            except Exception:  # What moto does not take says nothing about copies.
                continue
        self.assertGreater(len(sent), 12)
        source, target = f"s3://{self.bucket}", f"obs://{self.mirror}"
        self.assertIn(f"{len(sent)} copied", self.copied("-r", source, target))
        self.assertEqual(set(twin.admin("GET", f"/buckets/obs/{self.mirror}")), sent)
        for key in sent:
            self.assertEqual(self.mirrored(key)[0], key.encode())
        self.assertIn(f" 0 copied (0 B), {len(sent)} up to date", self.copied("-r", source, target))

    def test_a_listing_of_several_pages_is_read_to_its_end(self):
        for number in range(1003):
            self.put(f"page/{number:04}", b"x")
        said = self.copied("-r", f"s3://{self.bucket}/page/", f"obs://{self.mirror}", "--dry-run")
        self.assertIn("1,003 objects", said)

    def test_an_upload_in_parts_arrives_whole(self):
        upload = self.s3.create_multipart_upload(Bucket=self.bucket, Key="parts")["UploadId"]
        pieces = [b"a" * (5 << 20), LARGE]
        parts = []
        for number, piece in enumerate(pieces, 1):
            answer = self.s3.upload_part(
                Bucket=self.bucket, Key="parts", UploadId=upload, PartNumber=number, Body=piece
            )
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        self.s3.complete_multipart_upload(
            Bucket=self.bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": parts}
        )
        self.copied(f"s3://{self.bucket}/parts", f"obs://{self.mirror}/", "--part-size", "1M")
        self.assertEqual(self.mirrored("parts")[0], b"".join(pieces))

    def test_storage_classes_become_their_equivalents(self):
        # By an address in numbers the client of OBS speaks the dialect of S3, in which WARM is STANDARD_IA.
        expected = {name: "STANDARD_IA" for name in ("STANDARD_IA", "ONEZONE_IA", "GLACIER_IR")} | {"STANDARD": "STANDARD"}
        for name in expected:
            self.put(name, b"x", StorageClass=name)
        self.copied("-r", f"s3://{self.bucket}", f"obs://{self.mirror}")
        found = {name: self.obs.getObjectMetadata(self.mirror, name).body.storageClass or "STANDARD" for name in expected}
        self.assertEqual(found, expected)

    def test_an_archived_object_is_to_be_restored_first(self):
        self.put("cold", b"x", StorageClass="GLACIER")
        code, said = self.copy(f"s3://{self.bucket}/cold", f"obs://{self.mirror}/")
        self.assertEqual(code, 3, said)
        self.assertIn("restore first", said)
        self.assertEqual(twin.admin("GET", f"/buckets/obs/{self.mirror}"), [])

    def test_a_session_token_opens_the_source(self):
        self.put("k")
        self.copied(f"s3://{self.bucket}/k", f"obs://{self.mirror}/", **amazon.role("source", bucket=self.bucket))
        self.assertEqual(self.mirrored("k")[0], b"content")

    def test_what_is_not_there_and_what_may_not_be_read_is_told(self):
        self.put("k")
        target = f"obs://{self.mirror}/"
        code, said = self.copy(f"s3://{self.bucket}/missing", target)
        self.assertEqual(code, 3, said)
        self.assertIn("no such object", said)
        code, said = self.copy("-r", f"s3://{self.bucket}-missing", target, **amazon.admin())
        self.assertEqual(code, 2, said)
        self.assertIn("NoSuchBucket", said)
        code, said = self.copy(f"s3://{self.bucket}/k", target, AWS_SECRET_ACCESS_KEY=twin.WRONG_SECRET)
        self.assertEqual(code, 4, said)
        code, said = self.copy("-r", f"s3://{self.bucket}", target, **amazon.user("source", bucket="another"))
        # The credentials are right; a policy is to be changed.
        self.assertEqual(code, 2, said)
        code, said = self.copy(f"s3://{self.bucket}/k", target, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
        self.assertEqual(code, 2, said)
        self.assertIn("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: missing", said)

    def copies(self):
        """Settings of a worker that copies."""
        return {
            "FORWARD_MODE": "copy", "SYNC_URL": "", "DEST": f"obs://{self.mirror}/live",
            "DEST_ENDPOINT": twin.READY["obs_url"],
        }

    def test_what_a_worker_could_not_copy_is_copied_from_s3_by_a_replay(self):
        clouds = Clouds()
        clouds.uploads.put("later", b"content of later")
        with twin.fault(service="obs", method="PUT", action={"respond": {"status": 503}}):
            code, summary = clouds.drain(**self.copies())
        self.assertEqual((code, summary["failed"], summary["unrecorded"]), (3, 1, 0), summary)
        self.assertEqual(clouds.uploads.count(), (0, 0))
        command = [os.environ["OMS_BRIDGE"], "replay", "--json"]
        settings = {**clouds.settings(), **self.copies()}
        done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.mirrored("live/later")[0], b"content of later")

    def test_changes_that_a_worker_is_told_of_are_copied_from_s3(self):
        clouds = Clouds()
        clouds.uploads.put("told/a b+c.txt", LARGE, Metadata=METADATA)
        code, summary = clouds.drain(**self.copies())
        self.assertEqual((code, summary["accepted"]), (0, 1), summary)
        found, header, _ = self.mirrored("live/told/a b+c.txt")
        self.assertEqual((found, header["origin"]), (LARGE, "boto3"))
        self.assertEqual(clouds.uploads.count(), (0, 0))
