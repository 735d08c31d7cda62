#!/usr/bin/env bash
# esdk-obs-python 3.26.6: a storage class or ACL with a name that the SDK does not know is left out, and the upload succeeds.
#
# The name is looked up in a fixed list, in this spelling only. What is not in it sends no header at all, so the object
# gets the default class of the bucket, and the default ACL. No error, no warning, status 200.
#
# Seen: "WARM" sends STANDARD_IA (the S3 dialect that the SDK uses here). The class names of OSS "IA" and "Archive",
#       "warm" in lower case, S3's "GLACIER_IR" send nothing; neither does the ACL "PUBLIC_READ".
#
# Why it matters: passing the class of the source object on looks as if it worked and shows on the bill. Map the names
# yourself, and HEAD one object to see what class it got.
source "$(dirname "$0")/lib/setup.sh"
pip_install venv esdk-obs-python==3.26.6
run_python venv <<'PY'
from answering import Server, expect
from obs import ObsClient, PutObjectHeader

server = Server(lambda request: (200, {"ETag": '"e"'}, b""))
obs = ObsClient(access_key_id="ak", secret_access_key="sk", server=server.url)


def put(**header):
    assert obs.putContent("bucket", "k", "x", headers=PutObjectHeader(**header)).status == 200
    return server.requests[-1]["headers"]


for name, sent in (("WARM", "STANDARD_IA"), ("COLD", "GLACIER"), ("IA", None), ("Archive", None), ("warm", None), ("GLACIER_IR", None)):
    expect(f"class {name}", put(storageClass=name).get("x-amz-storage-class"), sent)
for name, sent in (("public-read", "public-read"), ("PUBLIC_READ", None)):
    expect(f"acl {name}", put(acl=name).get("x-amz-acl"), sent)
PY
