"""JuiceFS: `sync` from and to a folder with all checks, and its own test of object storages, `objbench`."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

import trees
import twin

PROGRAM = pathlib.Path(sys.executable).with_name("juicefs")
ACCOUNTS = {"oss": twin.OSS_ACCOUNT, "obs": twin.HUAWEI_ACCOUNT}
# Of the cloud, reached with the local cloud as the proxy: a bucket is part of the name of the host.
HOSTS = {"oss": f"oss-{twin.READY['region']}.aliyuncs.com", "obs": "obs.cn-north-4.myhuaweicloud.com"}


def juicefs(service, *arguments, secret=None):
    """Runs the program to its end; returns all that it printed."""
    account = ACCOUNTS[service]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "http_proxy": twin.READY[f"{service}_url"],
        "ACCESS_KEY": account["access_key"],
        "SECRET_KEY": secret or account["secret_key"],
    }
    done = subprocess.run(
        [PROGRAM, *arguments, "--no-color"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError((arguments, done.returncode, done.stdout))
    return done.stdout


class JuiceFs(trees.Trees):
    """Tests of both services; a mixin for `unittest.TestCase`."""

    def address(self, bucket, secret=None):
        account = ACCOUNTS[self.service]
        keys = f"{account['access_key']}:{secret or account['secret_key']}"
        return f"{self.service}://{keys}@{bucket}.{HOSTS[self.service]}/"

    def sync(self, source, destination, count):
        printed = juicefs(self.service, "sync", "--no-https", "--check-all", source, destination)
        self.assertRegex(printed, rf"Found: {count}, .*checked: {count} .*failed: 0", printed)
        self.assertNotIn("<WARNING>", printed)

    def write(self, bucket, tree):
        folder = self.folder()
        trees.save(tree, folder)
        self.sync(f"{folder}/", self.address(bucket), len(tree))

    def read(self, bucket):
        folder = self.folder()
        self.sync(self.address(bucket), f"{folder}/", len(self.tree))
        return trees.load(folder)

    def test_a_second_sync_finds_all_there(self):
        bucket, folder = self.store(self.service).name, self.folder()
        trees.save(self.tree, folder)
        address = self.address(bucket)
        self.sync(f"{folder}/", address, len(self.tree))
        printed = juicefs(self.service, "sync", "--no-https", "--check-all", f"{folder}/", address)
        self.assertRegex(printed, rf"skipped: {len(self.tree)} .*copied: 0 ")

    def test_its_own_test_of_object_storages_passes(self):
        store = self.store(self.service)
        printed = juicefs(
            self.service, "objbench", "--storage", self.service, f"http://{store.name}.{HOSTS[self.service]}",
            "--block-size", "256K", "--big-object-size", "4", "--small-objects", "5", "-p", "2",
        )
        results = dict(re.findall(r"\|\s+(?:basic|sync) \|\s+(.*?) \|\s+(.*?) \|", printed))
        self.assertEqual(len(results), 16, printed)
        # Both services refuse a range that begins behind the end (416), where the test would like nothing at all.
        self.assertIn("offset out of r", results.pop("get partial object"))
        # What no object storage has.
        for name in ("change owner/group", "change permission", "change mtime"):
            self.assertEqual(results.pop(name), "not support")
        self.assertEqual(set(results.values()), {"pass"}, printed)
        self.assertNotIn("<WARNING>", printed)

    def test_a_wrong_secret_is_refused(self):
        address = self.address(self.store(self.service).name, twin.WRONG_SECRET)
        with self.assertRaisesRegex(AssertionError, "SignatureDoesNotMatch"):
            juicefs(self.service, "sync", "--no-https", address, f"{self.folder()}/", secret=twin.WRONG_SECRET)


class Oss(JuiceFs, unittest.TestCase):
    service = "oss"


class Obs(JuiceFs, unittest.TestCase):
    service = "obs"
