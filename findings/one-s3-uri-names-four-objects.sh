#!/usr/bin/env bash
# s3://bucket/a%20b?versionId=3 given to smart_open 9.0.2, cloudpathlib 0.26.0, s3path 0.6.5 and s3fs 2026.9.0 (Python)
#
# There is no rule for the path of an s3:// address. Percent signs and question marks are ordinary in keys, and each library
# has an opinion on them:
#   smart_open    reads key "a%20b", version 3
#   cloudpathlib  key "a%20b?versionId=3", nothing is special
#   s3path        key "a b?versionId=3": decodes, and writes "%20" for a blank in as_uri()
#   s3fs          reads key "a%20b" without the version, and writes and deletes that key too
#
# Why it matters: a list of addresses made by one tool and worked off by another moves other objects, and with s3fs the object
# "a?versionId=3" cannot be written or deleted: "a" is. Keep bucket and key in two columns, not in one address.
source "$(dirname "$0")/lib/setup.sh"
pip_install venv smart_open==9.0.2 cloudpathlib==0.26.0 s3path==0.6.5 boto3==1.44.8
pip_install fs s3fs==2026.9.0 aiobotocore==3.10.0
run_python venv <<'PY'
import boto3
import smart_open
from answering import Server, expect
from botocore.config import Config
from cloudpathlib import S3Client
from s3path import PureS3Path

URI = "s3://bucket/a%20b?versionId=3"
server = Server(lambda request: (200, {"ETag": '"e"'}, b"x"))
s3 = boto3.client("s3", endpoint_url=server.url, aws_access_key_id="ak", aws_secret_access_key="sk",
                  region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))
smart_open.open(URI, "rb", transport_params={"client": s3}).read()
expect("smart_open asks for", server.requests[-1]["path"], "/bucket/a%2520b?versionId=3")
expect("cloudpathlib", S3Client(aws_access_key_id="ak", aws_secret_access_key="sk").S3Path(URI).key, "a%20b?versionId=3")
expect("s3path", PureS3Path.from_uri(URI).key, "a b?versionId=3")
expect("s3path, back", PureS3Path("/bucket/a b").as_uri(), "s3://bucket/a%20b")
PY
run_python fs <<'PY'
import s3fs
from answering import Server, expect

headers = {"ETag": '"e"', "Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT"}
server = Server(lambda request: (204, {}, b"") if request["method"] == "DELETE" else (200, headers, b""))
fs = s3fs.S3FileSystem(key="ak", secret="sk", endpoint_url=server.url, client_kwargs={"region_name": "us-east-1"},
                       config_kwargs={"s3": {"addressing_style": "path"}})


def last(call):
    call("s3://bucket/a%20b?versionId=3")
    return server.requests[-1]["method"], server.requests[-1]["path"]


expect("s3fs reads", last(fs.cat_file), ("GET", "/bucket/a%2520b"))
expect("s3fs writes", last(lambda path: fs.pipe_file(path, b"x")), ("PUT", "/bucket/a%2520b"))
expect("s3fs deletes", last(fs.rm_file), ("DELETE", "/bucket/a%2520b"))
PY
