#!/usr/bin/env bash
# s3transfer 0.19.3 (in boto3 1.44.8) and s3fs 2026.9.0 with a server that answers a Range request with 200 and everything.
#
# HTTP allows a server to ignore Range; gateways and caches do, and OSS does for a range that it cannot read. The status
# says so (200, not 206) and Content-Range is missing. s3transfer writes each whole answer at the place of its part; s3fs
# takes the beginning of the object for the piece that was asked for. Neither looks at the status.
#
# Seen for an object of 1000 bytes: download_file in parts of 300 leaves a file of 1900 bytes, without an error;
#       s3fs, after seek(500), reads bytes 0 to 3. obstore 0.12.1 and the downloader of alibabacloud-oss-v2 1.4.1 refuse.
#
# Why it matters: behind such a gateway large files, which alone are fetched in parts, arrive damaged and small ones do
# not. Compare the size after a download, or the checksum of the whole.
source "$(dirname "$0")/lib/setup.sh"
pip_install transfer boto3==1.44.8 s3transfer==0.19.3 obstore==0.12.1 alibabacloud-oss-v2==1.4.1
pip_install fs s3fs==2026.9.0 aiobotocore==3.10.0
cat >"$work/whole.py" <<'PY'
from answering import Server

CONTENT = bytes(index % 251 for index in range(1000))
HEADERS = {"Content-Type": "text/plain", "ETag": '"e"', "Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT"}
server = Server(lambda request: (200, HEADERS, CONTENT))
PY
export PYTHONPATH=$lib:$work
run_python transfer "$work/file" <<'PY'
import sys
import alibabacloud_oss_v2 as oss_v2
import boto3
import obstore
from answering import expect
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from obstore.store import S3Store
from whole import server


def outcome(call):
    try:
        return call()
    except Exception as raised:
        return type(raised).__name__


s3 = boto3.client("s3", endpoint_url=server.url, aws_access_key_id="ak", aws_secret_access_key="sk",
                  region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))
s3.download_file("bucket", "k", sys.argv[1], Config=TransferConfig(multipart_threshold=100, multipart_chunksize=300))
expect("s3transfer, length of the file", len(open(sys.argv[1], "rb").read()), 1900)

store = S3Store("bucket", endpoint=server.url, access_key_id="ak", secret_access_key="sk", region="us-east-1",
                client_options={"allow_http": True})
expect("obstore", outcome(lambda: obstore.get_range(store, "k", start=500, end=504)), "GenericError")

config = oss_v2.config.load_default()
config.credentials_provider = oss_v2.credentials.StaticCredentialsProvider("ak", "sk")
config.region, config.endpoint, config.use_path_style = "cn-hangzhou", server.url, True
downloader = oss_v2.Client(config).downloader()
ask = oss_v2.GetObjectRequest(bucket="bucket", key="k")
expect("alibabacloud-oss-v2", outcome(lambda: downloader.download_file(ask, sys.argv[1], part_size=300, parallel_num=1)), "DownloadError")
PY
run_python fs <<'PY'
import s3fs
from answering import expect
from whole import CONTENT, server

fs = s3fs.S3FileSystem(key="ak", secret="sk", endpoint_url=server.url, client_kwargs={"region_name": "us-east-1"},
                       config_kwargs={"s3": {"addressing_style": "path"}})
with fs.open("bucket/k", "rb", block_size=100) as file:
    file.seek(500)
    expect("s3fs, four bytes from 500", list(file.read(4)), [0, 1, 2, 3])
assert list(CONTENT[500:504]) == [249, 250, 0, 1]
PY
