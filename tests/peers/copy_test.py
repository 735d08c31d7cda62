"""`oms-bridge copy` between the two clouds: what oss2 wrote, esdk-obs-python reads as it was, and the other way round."""

import itertools
import os
import tempfile
import unittest

import obs
import oss2

import bridge
import twin
from bridge import copy, ok

NUMBERS = itertools.count(1)
# Above the part size that the tests set, and no multiple of it.
LARGE = bytes(range(256)) * 4 * 1100 + b"the end"
PART_SIZE = "256K"

CONTENT = {
    "Content-Type": "text/x-peer; charset=utf-8",
    "Cache-Control": "max-age=60",
    "Content-Disposition": 'attachment; filename="a b.txt"',
    "Content-Encoding": "identity",
    "Content-Language": "de",
    "Expires": "Wed, 01 Jan 2031 00:00:00 GMT",
}
METADATA = {"origin": "peer", "note": "two words; and=more", "percent": "100%25 a+b"}
FOREIGN = "纪念品 é"


class Copies(unittest.TestCase):
    def setUp(self):
        number = next(NUMBERS)
        oss, huawei = twin.OSS_ACCOUNT, twin.HUAWEI_ACCOUNT
        self.oss_name, self.obs_name = f"copy-oss-{number}", f"copy-obs-{number}"
        auth = oss2.AuthV4(oss["access_key"], oss["secret_key"])
        self.auth = auth
        self.oss = self.oss_bucket(self.oss_name)
        self.obs = obs.ObsClient(
            access_key_id=huawei["access_key"],
            secret_access_key=huawei["secret_key"],
            server=twin.READY["obs_url"],
            max_retry_count=0,
        )
        self.addCleanup(self.obs.close)
        ok(self.obs.createBucket(self.obs_name))

    def oss_bucket(self, name):
        bucket = oss2.Bucket(
            self.auth, twin.READY["oss_url"], name, region=twin.READY["region"], is_path_style=True
        )
        bucket.create_bucket()
        return bucket

    def to_obs(self, *arguments):
        copy("-r", f"oss://{self.oss_name}", f"obs://{self.obs_name}", "--part-size", PART_SIZE, *arguments,
             DEST_ENDPOINT=twin.READY["obs_url"])

    def to_oss(self, *arguments):
        copy("-r", f"obs://{self.obs_name}", f"oss://{self.oss_name}", "--part-size", PART_SIZE, *arguments,
             SOURCE_ENDPOINT=twin.READY["obs_url"])

    def obs_object(self, key):
        response = ok(self.obs.getObject(self.obs_name, key, loadStreamInMemory=True, isAttachCrc64=True))
        return response.body.buffer or b"", dict(response.header), response.body

    def obs_keys(self):
        response = ok(self.obs.listObjects(self.obs_name, max_keys=1000, encoding_type="url"))
        return {entry.key for entry in response.body.contents}

    def test_content_headers_and_metadata_arrive_at_obs(self):
        headers = CONTENT | {f"x-oss-meta-{name}": value for name, value in METADATA.items()}
        headers["x-oss-meta-foreign"] = FOREIGN.encode()
        for key, body in [("small", b"content"), ("large", LARGE), ("empty", b"")]:
            self.oss.put_object(key, body, headers=headers)
        self.to_obs()
        for key, body in [("small", b"content"), ("large", LARGE), ("empty", b"")]:
            with self.subTest(key):
                found, header, described = self.obs_object(key)
                self.assertEqual(found, body)
                self.assertEqual(int(header["checksum-crc64ecma"]), twin.crc64(body))
                self.assertEqual(described.contentType, CONTENT["Content-Type"])
                for name in ("Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires"):
                    self.assertEqual(header[name.lower()], CONTENT[name], name)
                self.assertEqual({name: header[name] for name in METADATA}, METADATA)
                self.assertEqual(header["foreign"], FOREIGN)
                self.assertEqual(header["src-etag"], self.oss.head_object(key).etag)

    def test_content_headers_and_metadata_arrive_at_oss(self):
        headers = obs.PutObjectHeader(contentType=CONTENT["Content-Type"])
        # This client encodes quotes before it sends them.
        content = CONTENT | {"Content-Disposition": "attachment; filename=a.txt"}
        further = {name: value for name, value in content.items() if name != "Content-Type"}
        for key, body in [("small", "content"), ("large", LARGE)]:
            metadata = METADATA | {"foreign": FOREIGN}
            ok(self.obs.putContent(self.obs_name, key, body, metadata, headers, extensionHeaders=further))
        self.to_oss()
        for key, body in [("small", b"content"), ("large", LARGE)]:
            with self.subTest(key):
                found = self.oss.get_object(key)
                self.assertEqual(found.read(), body)
                oss2.utils.check_crc("get", found.client_crc, found.server_crc, found.request_id)
                for name in ("Content-Type", "Cache-Control", "Content-Disposition", "Content-Language", "Expires"):
                    self.assertEqual(found.headers[name], content[name], name)
                for name, value in METADATA.items():
                    self.assertEqual(found.headers[f"x-oss-meta-{name}"], value)
                foreign = found.headers["x-oss-meta-foreign"]
                # The HTTP library reads header bytes as Latin-1.
                self.assertEqual(foreign.encode("latin-1").decode(), FOREIGN)

    def test_every_awkward_key_arrives_and_comes_back(self):
        # A client that cannot put a key says nothing about copying it: raw uploads go through the twin's own listing.
        sent = set()
        for key in twin.AWKWARD_KEYS.values():
            try:
                self.oss.put_object(key, key.encode())
            except (oss2.exceptions.ServerError, oss2.exceptions.ClientError):
                continue
            sent.add(key)
        self.assertGreater(len(sent), 15)
        self.to_obs()
        self.assertEqual(self.obs_keys(), sent)
        back = self.oss_bucket(self.oss_name + "-back")
        copy("-r", f"obs://{self.obs_name}", f"oss://{back.bucket_name}", SOURCE_ENDPOINT=twin.READY["obs_url"])
        found = {entry.key for entry in oss2.ObjectIteratorV2(back)}
        self.assertEqual(found, sent)
        for key in sent:
            self.assertEqual(back.get_object(key).read(), key.encode())

    def test_multipart_uploads_of_either_client_are_copied_and_not_copied_twice(self):
        upload = self.oss.init_multipart_upload("parts").upload_id
        parts = [oss2.models.PartInfo(number, self.oss.upload_part("parts", upload, number, piece).etag)
                 for number, piece in enumerate((LARGE, LARGE[:1000]), 1)]
        self.oss.complete_multipart_upload("parts", upload, parts)
        self.to_obs()
        first = ok(self.obs.getObjectMetadata(self.obs_name, "parts")).body.lastModified
        self.assertEqual(self.obs_object("parts")[0], LARGE + LARGE[:1000])
        self.assertNotEqual(self.obs.getObjectMetadata(self.obs_name, "parts").body.etag, self.oss.head_object("parts").etag)
        self.to_obs()
        self.assertEqual(ok(self.obs.getObjectMetadata(self.obs_name, "parts")).body.lastModified, first)
        self.assertEqual(list(oss2.MultipartUploadIterator(self.oss)), [])
        self.assertEqual(ok(self.obs.listMultipartUploads(self.obs_name)).body.upload, [])

    def test_storage_classes_become_their_equivalents(self):
        for name in ("Standard", "IA"):
            self.oss.put_object(name, b"x", headers={"x-oss-storage-class": name})
        self.to_obs()
        classes = [ok(self.obs.getObjectMetadata(self.obs_name, name)).body.storageClass for name in ("Standard", "IA")]
        # By an address in numbers this client speaks the dialect of S3, in which WARM has another name.
        self.assertEqual([name or "STANDARD" for name in classes], ["STANDARD", "STANDARD_IA"])

    def archived_is_refused_until_restored(self, source, destination, arrived, restore):
        """`restore` asks for it; the local cloud ends it at once."""
        for when in ("never asked for", "under way"):
            with self.subTest(when):
                done = bridge.copy_bucket(source, destination, how=bridge.run)
                self.assertEqual(done.returncode, 3, done)
                self.assertRegex(done.stderr, "old.*the source object is archived: restore first, then copy again")
                self.assertIn(" 1 failed", done.stdout)
                self.assertEqual(arrived(), {"new"})
            if when == "never asked for":
                restore()
        twin.admin("POST", "/restores/finish", {})
        bridge.copy_bucket(source, destination)
        self.assertEqual(arrived(), {"new", "old"})

    def test_a_cold_object_of_obs_is_copied_once_it_is_restored(self):
        ok(self.obs.putContent(self.obs_name, "new", "x"))
        ok(self.obs.putContent(self.obs_name, "old", "x", headers=obs.PutObjectHeader(storageClass="COLD")))
        self.archived_is_refused_until_restored(
            ("obs", self.obs_name),
            ("oss", self.oss_name),
            lambda: {entry.key for entry in oss2.ObjectIteratorV2(self.oss)},
            lambda: ok(self.obs.restoreObject(self.obs_name, "old", 1, "Expedited")),
        )

    def test_an_archived_object_of_oss_is_copied_once_it_is_restored(self):
        self.oss.put_object("new", b"x")
        self.oss.put_object("old", b"x", headers={"x-oss-storage-class": "Archive"})
        self.archived_is_refused_until_restored(
            ("oss", self.oss_name), ("obs", self.obs_name), self.obs_keys, lambda: self.oss.restore_object("old")
        )

    def test_an_object_that_grew_is_copied_and_not_copied_twice(self):
        self.oss.append_object("log", 0, LARGE)
        self.oss.append_object("log", len(LARGE), b"more")
        self.to_obs()
        first = ok(self.obs.getObjectMetadata(self.obs_name, "log")).body.lastModified
        self.assertEqual(self.obs_object("log")[0], LARGE + b"more")
        self.to_obs()
        self.assertEqual(ok(self.obs.getObjectMetadata(self.obs_name, "log")).body.lastModified, first)

    def test_a_copy_within_oss_is_the_same_to_oss2(self):
        headers = CONTENT | {f"x-oss-meta-{name}": value for name, value in METADATA.items()}
        self.oss.put_object("k", LARGE, headers=headers)
        other = self.oss_bucket(self.oss_name + "-other")
        copy("-r", f"oss://{self.oss_name}", f"oss://{other.bucket_name}/in")
        found = other.get_object("in/k")
        self.assertEqual(found.read(), LARGE)
        for name, value in (CONTENT | {f"x-oss-meta-{name}": value for name, value in METADATA.items()}).items():
            self.assertEqual(found.headers[name], value)

    def test_files_go_up_and_come_down(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(f"{folder}/up/sub")
            for name, body in [("a.txt", b"text"), ("sub/large.bin", LARGE)]:
                with open(f"{folder}/up/{name}", "wb") as file:
                    file.write(body)
            copy("-r", f"{folder}/up", f"obs://{self.obs_name}/x", "--part-size", PART_SIZE,
                 DEST_ENDPOINT=twin.READY["obs_url"])
            self.assertEqual(self.obs_object("x/sub/large.bin")[0], LARGE)
            self.assertEqual(self.obs_object("x/a.txt")[2].contentType, "text/plain")
            copy("-r", f"obs://{self.obs_name}/x", f"{folder}/down", SOURCE_ENDPOINT=twin.READY["obs_url"])
            for name, body in [("a.txt", b"text"), ("sub/large.bin", LARGE)]:
                with open(f"{folder}/down/{name}", "rb") as file:
                    self.assertEqual(file.read(), body)
