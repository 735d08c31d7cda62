#!/usr/bin/env bash
# An object is overwritten by another of the same length while it is downloaded in parts: esdk-obs-python 3.26.6
# (downloadFile) and alibabacloud-oss-v2 1.4.1 (downloader) beside boto3 1.44.8 (download_file) and oss2 2.19.1
# (resumable_download)
#
# boto3 and oss2 send If-Match with the ETag of the first look, and end with 412. The other two ask for the parts without
# a condition and do not look at the ETag of the answers, though every part says it.
#
# Seen, with the overwrite after the first of three parts: esdk-obs-python leaves a file with one part of the old object
#       and two of the new, and reports 200. alibabacloud-oss-v2 does the same where the object has no CRC-64 (copies in
#       parts, old objects); where it has one, "crc is inconsistent". boto3 and oss2 raise.
#
# Why it matters: the file never existed on the source, its size is right, and it is written to the next cloud with a fresh
# and valid checksum. Pass `GetObjectHeader(if_match=…)` to downloadFile, or if_match to the downloader's request.
source "$(dirname "$0")/lib/setup.sh"
pip_install venv esdk-obs-python==3.26.6 alibabacloud-oss-v2==1.4.1 boto3==1.44.8 oss2==2.19.1
run_python venv "$work/file" <<'PY'
import logging
import re
import sys
import alibabacloud_oss_v2 as oss_v2
import boto3
import oss2
from answering import Server, expect
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from obs import GetObjectHeader, ObsClient
from oss2.utils import Crc64

logging.disable(logging.CRITICAL)
PART = 100 << 10
OLD, NEW = b"1" * (3 * PART), b"2" * (3 * PART)
path = sys.argv[1]


def checksum(data):
    crc = Crc64()
    crc.update(data)
    return str(crc.crc)


CRC = {OLD: checksum(OLD), NEW: checksum(NEW)}


def overwritten_server(with_crc=True):
    """An object that is overwritten once its first part has been read."""
    parts_read = []

    def answer(request):
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request["headers"].get("range", ""))
        content = NEW if parts_read else OLD
        etag = '"new"' if parts_read else '"old"'
        headers = {"ETag": etag, "Last-Modified": f"Fri, 02 Jan 2026 03:04:0{9 if parts_read else 5} GMT"}
        if with_crc:
            headers["x-oss-hash-crc64ecma"] = CRC[content]
        if request["headers"].get("if-match", etag).strip('"') != etag.strip('"'):
            return 412, headers, b""
        if request["method"] == "HEAD":
            return 200, {**headers, "Content-Length": len(content)}, b""
        parts_read.append(request)
        if not asked:
            return 200, headers, content
        first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        return 206, {**headers, "Content-Range": f"bytes {first}-{last}/{len(content)}"}, content[first:last + 1]

    return Server(answer)


def outcome(call):
    try:
        call()
    except Exception as raised:
        return type(raised).__name__
    data = open(path, "rb").read()
    return {OLD: "old", NEW: "new", OLD[:PART] + NEW[PART:]: "one part old, two new"}.get(data, "something else")


obs = ObsClient(access_key_id="ak", secret_access_key="sk", server=overwritten_server().url)
expect("esdk-obs-python", outcome(lambda: obs.downloadFile("bucket", "k", path, partSize=PART, taskNum=1)), "one part old, two new")
pinned = GetObjectHeader(if_match="old")
obs = ObsClient(access_key_id="ak", secret_access_key="sk", server=overwritten_server().url)
expect("esdk-obs-python, if_match", outcome(lambda: obs.downloadFile(
    "bucket", "k", path, partSize=PART, taskNum=1, header=pinned)), "Exception")

for with_crc, wanted in ((True, "DownloadError"), (False, "one part old, two new")):
    config = oss_v2.config.load_default()
    config.credentials_provider = oss_v2.credentials.StaticCredentialsProvider("ak", "sk")
    config.region, config.endpoint, config.use_path_style = "cn-hangzhou", overwritten_server(with_crc).url, True
    downloader = oss_v2.Client(config).downloader()
    ask = oss_v2.GetObjectRequest(bucket="bucket", key="k")
    expect(f"alibabacloud-oss-v2, {'with' if with_crc else 'without'} CRC-64",
           outcome(lambda: downloader.download_file(ask, path, part_size=PART, parallel_num=1)), wanted)
config.endpoint = overwritten_server(with_crc=False).url
downloader = oss_v2.Client(config).downloader()
ask = oss_v2.GetObjectRequest(bucket="bucket", key="k", if_match='"old"')
expect("alibabacloud-oss-v2, if_match",
       outcome(lambda: downloader.download_file(ask, path, part_size=PART, parallel_num=1)), "DownloadError")

s3 = boto3.client("s3", endpoint_url=overwritten_server().url, aws_access_key_id="ak", aws_secret_access_key="sk",
                  region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))
in_parts = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, use_threads=False)
expect("boto3", outcome(lambda: s3.download_file("bucket", "k", path, Config=in_parts)), "ClientError")

bucket = oss2.Bucket(oss2.Auth("ak", "sk"), overwritten_server().url, "bucket", is_path_style=True)
expect("oss2", outcome(lambda: oss2.resumable_download(
    bucket, "k", path, multiget_threshold=PART, part_size=PART, num_threads=1)), "ServerError")
PY
