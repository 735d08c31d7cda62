"""s5cmd, a client of Amazon S3 that many use with OBS: signature V4 of AWS, names of S3."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

import bridge
import trees
import twin

PROGRAM = pathlib.Path(sys.executable).with_name("s5cmd")


def s5cmd(*arguments, secret=None):
    """Runs the program to its end; returns its exit code and what it said, one document a line."""
    account = twin.HUAWEI_ACCOUNT
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "AWS_REGION": "cn-north-4",
        "AWS_ACCESS_KEY_ID": account["access_key"],
        "AWS_SECRET_ACCESS_KEY": secret or account["secret_key"],
    }
    done = subprocess.run(
        [PROGRAM, "--json", "--retry-count", "0", "--endpoint-url", twin.READY["obs_url"], *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, [json.loads(line) for line in (done.stdout + done.stderr).splitlines()]


class S5cmd(trees.Trees, unittest.TestCase):
    service = "obs"
    # Above its smallest part size, 5 MiB.
    tree = trees.TREE | {"parts.bin": trees.LARGE * 5}

    def done(self, *arguments):
        code, said = s5cmd(*arguments)
        self.assertEqual(code, 0, said)
        return said

    def refused(self, code, *arguments, **named):
        status, said = s5cmd(*arguments, **named)
        self.assertNotEqual(status, 0)
        self.assertIn(code, said[0]["error"])

    def write(self, bucket, tree):
        folder = self.folder()
        trees.save(tree, folder)
        self.done("cp", "--part-size", "5", f"{folder}/*", f"s3://{bucket}/")

    def read(self, bucket):
        folder = self.folder()
        self.done("cp", "--part-size", "5", f"s3://{bucket}/*", f"{folder}/")
        return trees.load(folder)

    def test_it_lists_and_removes(self):
        bucket = self.store("obs").name
        self.write(bucket, self.tree)
        keys = {entry["key"].removeprefix(f"s3://{bucket}/") for entry in self.done("ls", f"s3://{bucket}/*")}
        self.assertEqual(keys, set(self.tree))
        self.done("rm", f"s3://{bucket}/dir/*")
        left = {key for key in self.tree if not key.startswith("dir/")}
        self.assertEqual(set(twin.admin("GET", f"/buckets/obs/{bucket}")), left)

    def test_glacier_is_cold_at_obs_and_is_not_read(self):
        store = self.store("obs")
        file = pathlib.Path(self.folder(), "cold")
        file.write_bytes(b"content")
        self.done("cp", "--storage-class", "GLACIER", str(file), f"s3://{store.name}/cold")
        self.assertEqual(self.done("head", f"s3://{store.name}/cold")[0]["storage_class"], "GLACIER")
        away = str(file.with_name("away"))
        self.refused("InvalidObjectState", "cp", "--force-glacier-transfer", f"s3://{store.name}/cold", away)
        target = self.store("oss")
        done = bridge.copy_bucket(("obs", store.name), ("oss", target.name), how=bridge.run)
        self.assertEqual(done.returncode, 3, done)
        self.assertRegex(done.stderr, "cold.*archived: restore first, then copy again")
        self.assertEqual(target.objects(), {})

    def test_what_is_wrong_is_told_by_its_code(self):
        bucket = self.store("obs").name
        self.refused("SignatureDoesNotMatch", "ls", f"s3://{bucket}/*", secret=twin.WRONG_SECRET)
        self.refused("NoSuchBucket", "ls", "s3://no-such-bucket-here/")
