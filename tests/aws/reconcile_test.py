"""`oms-bridge reconcile` with buckets of S3 on either side, and with inventories in them."""

import csv
import gzip
import hashlib
import io
import itertools
import json
import os
import subprocess
import tempfile
import unittest
import urllib.parse
from datetime import datetime, timedelta, timezone

import amazon
import twin
from consume_test import KEYS

NUMBERS = itertools.count(1)
SCHEMA = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, IsMultipartUploaded, EncryptionStatus"


class Comparisons(unittest.TestCase):
    def setUp(self):
        number = next(NUMBERS)
        self.bucket, self.second, self.mirror = (f"{name}-{number}" for name in ("compared", "second", "mirrored"))
        self.s3 = amazon.client("s3", amazon.admin())
        for bucket in (self.bucket, self.second):
            self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": amazon.REGION})
        twin.admin("POST", f"/buckets/oss/{self.mirror}")
        # The recommended policy: objects and listings of one bucket.
        self.keys = amazon.user("source", bucket=self.bucket)

    def reconcile(self, source, destination, *arguments, **settings):
        """Exit code, lines of the report and the result."""
        oss = twin.OSS_ACCOUNT
        environment = {
            **self.keys,
            "AWS_REGION": amazon.REGION,
            "AWS_ENDPOINT_URL_S3": amazon.URL,
            "AWS_EC2_METADATA_DISABLED": "true",
            "OSS_ENDPOINT": twin.READY["oss_url"],
            "OSS_REGION": twin.READY["region"],
            "OSS_ACCESS_KEY_ID": oss["access_key"],
            "OSS_ACCESS_KEY_SECRET": oss["secret_key"],
            "NO_PROXY": "*",
            **settings,
        }
        with tempfile.TemporaryDirectory() as folder:
            report = [] if "--estimate" in arguments else ["--report", "report"]
            command = [os.environ["OMS_BRIDGE"], "reconcile", source, destination, "--json", *report, *arguments]
            done = subprocess.run(
                command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False
            )
            lines = []
            if os.path.exists(f"{folder}/report"):
                with open(f"{folder}/report", encoding="utf-8") as text:
                    lines = sorted(text.read().splitlines())
        self.assertNotIn(environment["AWS_SECRET_ACCESS_KEY"], done.stdout + done.stderr)
        result = json.loads(done.stdout) if done.stdout else {}
        return done.returncode, lines, result, done.stderr

    def put(self, key, body, bucket=None, **options):
        self.s3.put_object(Bucket=bucket or self.bucket, Key=key, Body=body, **options)

    def test_two_buckets_of_s3_are_compared_by_each_check(self):
        for key, one, other in (("same", b"same", b"same"), ("other", b"abcd", b"abce"), ("longer", b"ab", b"abc")):
            self.put(key, one)
            self.put(key, other, self.second)
        self.put("missing", b"m")
        self.put("extra", b"e", self.second)
        # Uploaded in parts, of one size and by other parts: no listing shows that they are the same.
        for bucket, size in ((self.bucket, 5 << 20), (self.second, 6 << 20)):
            self.in_parts(bucket, "parts", b"x" * (11 << 20), size)
        source, target = f"s3://{self.bucket}", f"s3://{self.second}"
        # What was written a moment ago is asked for before it counts as different, and a HEAD of S3 does not make sure
        # that an ETag is an MD5.
        for check, other, parts in (("listing", "? other", "? parts"), ("content", "* other", "= parts")):
            code, lines, result, said = self.reconcile(source, target, "--check", check, **amazon.admin())
            self.assertEqual(code, 3, said)
            self.assertEqual(sorted(lines), sorted(["= same", other, "* longer", "+ missing", "- extra", parts]), check)
        self.assertEqual(result["equal_by"], {"content": 2})

    def in_parts(self, bucket, key, body, size):
        upload = self.s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        parts = []
        for number, start in enumerate(range(0, len(body), size), 1):
            piece = body[start:start + size]
            answer = self.s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=piece)
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        self.s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})

    def test_awkward_keys_are_the_same_keys_at_s3_and_at_oss(self):
        sent = set()
        for key in KEYS:
            try:
                self.put(key, key.encode())
            except Exception:  # What moto does not take says nothing about comparisons.
                continue
            sent.add(key)
        self.assertGreater(len(sent), 12)
        copied = [os.environ["OMS_BRIDGE"], "copy", "-r", f"s3://{self.bucket}", f"oss://{self.mirror}"]
        environment = {
            **self.keys, "AWS_REGION": amazon.REGION, "AWS_ENDPOINT_URL_S3": amazon.URL, "NO_PROXY": "*",
            "OSS_ENDPOINT": twin.READY["oss_url"], "OSS_REGION": twin.READY["region"],
            "OSS_ACCESS_KEY_ID": twin.OSS_ACCOUNT["access_key"], "OSS_ACCESS_KEY_SECRET": twin.OSS_ACCOUNT["secret_key"],
        }
        subprocess.run(copied, env=environment, check=True, capture_output=True, timeout=120)
        for sides in ((f"s3://{self.bucket}", f"oss://{self.mirror}"), (f"oss://{self.mirror}", f"s3://{self.bucket}")):
            code, lines, result, said = self.reconcile(*sides)
            self.assertEqual((code, result["equal"]), (0, len(sent)), (said, lines))

    def test_a_bucket_of_several_pages_is_compared_in_ranges(self):
        for number in range(2300):
            self.put(f"page/{number:05}", b"x")
            self.put(f"page/{number:05}", b"x", self.second)
        self.s3.delete_object(Bucket=self.second, Key="page/01234")
        code, lines, result, said = self.reconcile(
            f"s3://{self.bucket}/page/", f"s3://{self.second}/page/", **amazon.admin()
        )
        self.assertEqual((code, result["equal"], result["missing"]), (3, 2299, 1), said)
        self.assertIn("+ 01234", lines)

    def test_what_may_not_be_read_is_told_by_the_name_of_the_argument(self):
        self.put("k", b"k")
        code, _, _, said = self.reconcile(f"s3://{self.bucket}", f"s3://{self.second}")
        self.assertEqual(code, 2, said)
        self.assertIn(f"arn:aws:s3:::{self.second}", said)
        code, _, _, said = self.reconcile(f"s3://{self.bucket}", f"s3://{self.second}-missing", **amazon.admin())
        self.assertEqual(code, 2, said)
        self.assertIn("correct DST", said)

    def inventory(self, objects, damage=None, key_of=urllib.parse.quote_plus):
        """Writes the files of an inventory as S3 does; `objects` are keys, bodies and whether that version is the latest."""
        rows = io.StringIO()
        writer = csv.writer(rows, quoting=csv.QUOTE_ALL, lineterminator="\n")
        an_hour_ago = (datetime.now(timezone.utc) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        for key, body, is_latest in objects:
            etag = hashlib.md5(body).hexdigest()
            latest = "true" if is_latest else "false"
            writer.writerow(
                [self.bucket, key_of(key), "v", latest, "false", len(body), an_hour_ago, etag, "false", "SSE-S3"]
            )
        data = gzip.compress(rows.getvalue().encode())
        # Complete to an hour ago: a day before its time.
        time = datetime.now(timezone.utc) + timedelta(hours=23, minutes=30)
        prefix = f"inv/{self.bucket}/all"
        name = f"{prefix}/data/0a1b2c3d.csv.gz"
        manifest = json.dumps({
            "sourceBucket": self.bucket,
            "destinationBucket": f"arn:aws:s3:::{self.bucket}",
            "version": "2016-11-30",
            "creationTimestamp": str(int(time.timestamp() * 1000)),
            "fileFormat": "CSV",
            "fileSchema": SCHEMA,
            "files": [{"key": name, "size": len(data), "MD5checksum": hashlib.md5(data).hexdigest()}],
        })
        checksum = hashlib.md5(manifest.encode()).hexdigest()
        folder = f"{prefix}/{time.strftime('%Y-%m-%dT%H-%MZ')}"
        self.put(name, data[:-9] if damage == "file" else data)
        self.put(f"{folder}/manifest.checksum", b"0" * 32 if damage == "manifest" else checksum.encode())
        self.put(f"{folder}/manifest.json", manifest.encode())
        return f"inventory:s3://{self.bucket}/{prefix}/", f"inventory:s3://{self.bucket}/{folder}/manifest.json"

    def test_an_inventory_in_s3_stands_for_its_bucket_on_either_side(self):
        keys = ["plain", "a b", "a+b", "100%", "dir/测.txt", "quo\"te", "com,ma"]
        for key in keys:
            self.put(key, key.encode(), self.second)
        rows = [(key, key.encode(), True) for key in keys] + [("plain", b"older", False)]
        for place in self.inventory(rows):
            for sides in ((place, f"s3://{self.second}"), (f"s3://{self.second}", place)):
                code, lines, result, said = self.reconcile(*sides, **amazon.admin())
                self.assertEqual((code, result["equal"]), (0, len(keys)), (said, lines))
                self.assertEqual(result["inventories"][0]["old_versions"], 1)
        code, lines, _, said = self.reconcile(place, f"s3://{self.second}", "--inventory-keys", "percent", **amazon.admin())
        self.assertEqual(code, 3, said)
        self.assertIn("- a b", lines)

    def test_what_is_newer_than_an_inventory_is_asked_of_its_bucket(self):
        for key in ("at both", "of another size"):
            self.put(key, b"new", self.second)
            self.put(key, b"new" if key == "at both" else b"newer")
        self.put("not here", b"new", self.second)
        place, _ = self.inventory([])
        code, lines, result, said = self.reconcile(place, f"s3://{self.second}", **amazon.admin())
        # None is extra because the inventory lacks it; S3 says of one no more than its size.
        self.assertEqual((code, lines), (3, ["* of another size", "- not here", "? at both"]), said)
        self.assertEqual(result["looks"], 6)

    def test_nothing_is_concluded_from_a_damaged_inventory(self):
        for damage, text in (("manifest", "manifest.checksum"), ("file", "0a1b2c3d.csv.gz")):
            place, _ = self.inventory([("a", b"a", True)], damage)
            code, lines, _, said = self.reconcile(place, f"s3://{self.second}", **amazon.admin())
            self.assertEqual((code, lines), (2, []), said)
            self.assertIn(text, said)

    def test_an_estimate_asks_s3_for_nothing(self):
        self.put("k", b"k")
        code, _, result, said = self.reconcile(
            f"s3://{self.bucket}", f"s3://{self.second}", "--estimate", "--keys", "1000000", **amazon.admin()
        )
        self.assertEqual((code, result["requests_made"]), (0, 0), said)
        self.assertEqual(result["sides"][0]["requests"]["list"]["from"], 1000)
