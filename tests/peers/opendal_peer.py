"""Apache OpenDAL, one service at a time: its HTTP client takes its proxy from the environment once, for all of a process.

It knows only virtual-host names of the clouds, and drops the port of an endpoint of OBS. So the local cloud is its
proxy: the requests are those that would go to the cloud.
"""

import os

import opendal

import trees
import twin

ENDPOINTS = {
    "oss": f"http://oss-{twin.READY['region']}.aliyuncs.com",
    "obs": "http://obs.cn-north-4.myhuaweicloud.com",
}


def operator(service, bucket, secret=None):
    account = {"oss": twin.OSS_ACCOUNT, "obs": twin.HUAWEI_ACCOUNT}[service]
    secret_name = {"oss": "access_key_secret", "obs": "secret_access_key"}[service]
    keys = {"access_key_id": account["access_key"], secret_name: secret or account["secret_key"]}
    return opendal.Operator(service, bucket=bucket, endpoint=ENDPOINTS[service], root="/", **keys)


class OpenDal(trees.Trees):
    """Tests of both services; a mixin for `unittest.TestCase`."""

    @classmethod
    def setUpClass(cls):
        for name in ("no_proxy", "NO_PROXY"):
            os.environ[name] = "127.0.0.1"
        os.environ["http_proxy"] = twin.READY[f"{cls.service}_url"]

    def write(self, bucket, tree):
        at = operator(self.service, bucket)
        for key, body in tree.items():
            at.write(key, body)

    def read(self, bucket):
        at = operator(self.service, bucket)
        return {entry.path: bytes(at.read(entry.path)) for entry in at.scan("/") if not entry.path.endswith("/")}

    def test_content_type_and_metadata_are_copied(self):
        source = self.store(self.service)
        at = operator(self.service, source.name)
        at.write("k", b"content", content_type="text/x-peer", **self.metadata)
        content_type, metadata = self.copied(source).described("k")
        self.assertEqual(content_type, "text/x-peer")
        for name, value in self.metadata.get("user_metadata", {}).items():
            self.assertEqual(metadata[name], value)

    def test_an_object_in_parts_is_copied_and_leaves_none(self):
        source = self.store(self.service)
        at = operator(self.service, source.name)
        with at.open("large", "wb", chunk=256 << 10) as file:
            for start in range(0, len(trees.LARGE), 100_000):
                file.write(trees.LARGE[start : start + 100_000])
        self.assertEqual(self.copied(source).objects(), {"large": trees.LARGE})
        self.assertEqual(twin.admin("GET", f"/buckets/{self.service}/{source.name}/uploads"), [])

    def test_an_object_grows_by_appends_and_is_copied(self):
        source = self.store(self.service)
        at = operator(self.service, source.name)
        for piece in (b"one ", trees.LARGE, b" three"):
            at.write("log", piece, append=True)
        expected = b"one " + trees.LARGE + b" three"
        self.assertEqual(bytes(at.read("log")), expected)
        self.assertEqual(self.copied(source).objects(), {"log": expected})

    def test_it_copies_lists_and_removes(self):
        at = operator(self.service, self.store(self.service).name)
        at.write("dir/a+b 文.txt", b"content")
        at.copy("dir/a+b 文.txt", "other/copy")
        self.assertEqual(bytes(at.read("other/copy")), b"content")
        self.assertEqual(sorted(entry.path for entry in at.list("/")), ["dir/", "other/"])
        at.remove_all("dir/")
        self.assertEqual([entry.path for entry in at.scan("/")], ["other/copy"])

    def test_a_wrong_secret_opens_nothing(self):
        name = self.store(self.service).name
        operator(self.service, name).write("k", b"x")
        intruder = operator(self.service, name, twin.WRONG_SECRET)
        with self.assertRaisesRegex(opendal.exceptions.PermissionDenied, "SignatureDoesNotMatch"):
            intruder.read("k")
