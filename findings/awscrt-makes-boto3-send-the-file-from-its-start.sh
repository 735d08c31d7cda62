#!/usr/bin/env bash
# boto3 1.44.8 with and without awscrt 0.38.1: installing a package changes which bytes of an open file are uploaded.
#
# put_object and upload_part send an open file from its current position. Once awscrt is importable (`boto3[crt]`, or as
# a dependency of something else), they send it from its start; length and checksum are those of the whole file, so the
# server has nothing to object to. upload_fileobj goes on from the position in both cases.
#
# Seen for a file of 1100 bytes at position 100: put_object and upload_part send 1000 bytes without awscrt, 1100 with it;
#       upload_fileobj 1000 in both.
#
# Why it matters: the usual loop of a copier, `file.seek(offset)` and then upload_part for the rest of the file, writes
# the beginning a second time. The same program is right on one machine and wrong on the next.
source "$(dirname "$0")/lib/setup.sh"
pip_install plain boto3==1.44.8 botocore==1.44.8
pip_install crt boto3==1.44.8 botocore==1.44.8 awscrt==0.38.1
cat >"$work/program.py" <<'PY'
import sys
import tempfile
import boto3
from answering import Server, expect
from botocore.config import Config

server = Server(lambda request: (200, {"ETag": '"e"'}, b""))
s3 = boto3.client("s3", endpoint_url=server.url, aws_access_key_id="ak", aws_secret_access_key="sk",
                  region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))
with tempfile.TemporaryFile() as file:
    file.write(bytes(1100))

    def sent(call):
        file.seek(100)
        call()
        return len(server.requests[-1]["body"])

    seen = (sent(lambda: s3.put_object(Bucket="bucket", Key="k", Body=file)),
            sent(lambda: s3.upload_part(Bucket="bucket", Key="k", UploadId="u", PartNumber=1, Body=file)))
expect(f"{sys.argv[1]}: put_object, upload_part", seen, (int(sys.argv[2]),) * 2)
with tempfile.NamedTemporaryFile() as file:
    file.write(bytes(1100))
    file.seek(100)
    s3.upload_fileobj(file, "bucket", "k")
expect(f"{sys.argv[1]}: upload_fileobj", len(server.requests[-1]["body"]), 1000)
PY
run_python plain "without awscrt" 1000 <"$work/program.py"
run_python crt "with awscrt" 1100 <"$work/program.py"
