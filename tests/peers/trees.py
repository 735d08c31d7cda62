"""What a client that is of neither cloud must find: its objects are copied as they are, and it reads what was copied."""

import itertools
import pathlib
import tempfile

import bridge

NUMBERS = itertools.count(1)
# Above the part size of the copies, and no multiple of it.
LARGE = bytes(range(256)) * 4 * 1100 + b"the end"
PART_SIZE = "256K"

TREE = {
    "plain.txt": b"content",
    "empty": b"",
    "dir/sub/large.bin": LARGE,
    "dir/a+b c.txt": b"plus and blank",
    "100%25.txt": b"looks encoded",
    "what is#this&that=it.txt": b"query characters",
    "测试/文件 名.txt": "内容".encode(),
    "🦀.txt": b"emoji",
}


def save(tree, folder):
    for key, body in tree.items():
        path = pathlib.Path(folder, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def load(folder):
    root = pathlib.Path(folder)
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


class Trees:
    """Tests of every such client; a mixin for `unittest.TestCase`."""

    # "oss" or "obs": where the client works.
    service = None
    tree = TREE

    def write(self, bucket, tree):
        raise NotImplementedError

    def read(self, bucket):
        """All objects of a bucket by key."""
        raise NotImplementedError

    def store(self, service):
        """A new empty bucket in the hands of the official client."""
        name = f"{type(self).__module__.replace('_', '-')}-{service}-{next(NUMBERS)}"
        store = bridge.STORES[service](name)
        self.addCleanup(store.close)
        return store

    def folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name

    def copied(self, source, *arguments):
        """A bucket of the other service with all that is in `source`."""
        target = self.store(bridge.OTHER[source.service])
        ends = [(store.service, store.name) for store in (source, target)]
        bridge.copy_bucket(*ends, "--part-size", PART_SIZE, *arguments)
        return target

    def test_what_it_writes_is_copied_byte_for_byte(self):
        source = self.store(self.service)
        self.write(source.name, self.tree)
        self.assertEqual(self.copied(source).objects(), self.tree)

    def test_what_was_copied_it_reads(self):
        source = self.store(bridge.OTHER[self.service])
        for key, body in self.tree.items():
            source.put(key, body)
        self.assertEqual(self.read(self.copied(source).name), self.tree)
