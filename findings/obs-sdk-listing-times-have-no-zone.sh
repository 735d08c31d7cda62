#!/usr/bin/env bash
# esdk-obs-python 3.26.6: listings give the time of an object in the machine's time zone, without the zone.
#
# Listings (and the answer of a copy) carry UTC times. The SDK turns them into "YYYY/MM/DD HH:MM:SS" in the machine's own
# time zone, without saying which. getObjectMetadata returns the header of the same object as sent, in GMT.
#
# Seen for an object of 03:04:05 UTC, listed in Shanghai "2026/01/02 11:04:05", in New York "2026/01/01 22:04:05";
#       getObjectMetadata "Fri, 02 Jan 2026 03:04:05 GMT" in both.
#
# Why it matters: comparing times of two clouds ("copy what is newer") with this listing is wrong by the offset of the
# machine: in Shanghai every object looks eight hours newer than it is, a function (UTC) and a laptop give different
# results, and around a change to summer time two objects can share a time or swap their order.
source "$(dirname "$0")/lib/setup.sh"
pip_install venv esdk-obs-python==3.26.6
run_python venv <<'PY'
import os
import time
from answering import Server, expect
from obs import ObsClient

LISTING = (b'<?xml version="1.0"?><ListBucketResult><Name>bucket</Name><Prefix></Prefix><Marker></Marker>'
           b'<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated><Contents><Key>a</Key>'
           b'<LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>"e"</ETag><Size>0</Size></Contents></ListBucketResult>')


def answer(request):
    if request["method"] == "HEAD":
        return 200, {"Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT"}, b""
    return 200, {"Content-Type": "application/xml"}, LISTING


obs = ObsClient(access_key_id="ak", secret_access_key="sk", server=Server(answer).url)
for zone, listed in (("Asia/Shanghai", "2026/01/02 11:04:05"), ("America/New_York", "2026/01/01 22:04:05")):
    os.environ["TZ"] = zone
    time.tzset()
    expect(f"{zone}, listed", obs.listObjects("bucket").body.contents[0].lastModified, listed)
    expect(f"{zone}, head", obs.getObjectMetadata("bucket", "a").body.lastModified, "Fri, 02 Jan 2026 03:04:05 GMT")
PY
