#!/usr/bin/env bash
# An object stored with Content-Encoding: gzip, read by oss2 2.19.1, alibabacloud-oss-v2 1.4.1, minio 7.2.20,
# cos-python-sdk-v5 1.9.44, boto3 1.44.8, esdk-obs-python 3.26.6 (Python) and ali-oss 6.23.0 (npm)
#
# The header says how the stored bytes are to be understood; length, ETag and CRC-64 are those of the stored bytes. oss2,
# alibabacloud-oss-v2 and minio even ask for `Accept-Encoding: identity`, and still unpack what they get:
#   oss2                 in memory: unpacked without a word; to a file: InconsistentError, so such an object cannot be fetched
#   alibabacloud-oss-v2  the same: `body` unpacked, get_object_to_file "crc is inconsistent"
#   minio                unpacked, in memory and in files, without a word
#   ali-oss              unpacked without a word
#   cos-python-sdk-v5    get_stream() unpacks, get_raw_stream() and get_stream_to_file() do not
#   boto3, esdk-obs      stored bytes
#
# Why it matters: a copier on one of the four writes unpacked bytes under the old Content-Encoding, so that every reader of
# the copy fails, or it reports sound objects as damaged. For the other clients the copy is right.
source "$(dirname "$0")/lib/setup.sh"
pip_install venv oss2==2.19.1 alibabacloud-oss-v2==1.4.1 minio==7.2.20 cos-python-sdk-v5==1.9.44 boto3==1.44.8 esdk-obs-python==3.26.6
npm_install ali-oss@6.23.0
run_python venv "$work/file" <<'PY'
import gzip
import hashlib
import logging
import pathlib
import sys
import alibabacloud_oss_v2 as oss_v2
import boto3
import oss2
from answering import Server, expect
from botocore.config import Config
from minio import Minio
from obs import ObsClient
from oss2.utils import Crc64
from qcloud_cos import CosConfig, CosS3Client

logging.disable(logging.CRITICAL)
plain = b"hello world, " * 200
stored = gzip.compress(plain, mtime=0)
crc = Crc64()
crc.update(stored)
headers = {"Content-Type": "text/plain", "Content-Encoding": "gzip", "ETag": '"%s"' % hashlib.md5(stored).hexdigest(),
           "x-oss-hash-crc64ecma": str(crc.crc), "x-oss-request-id": "1", "Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT"}
server = Server(lambda request: (200, headers, stored))
path = pathlib.Path(sys.argv[1])


def read(call):
    try:
        data = call()
    except Exception as error:
        return type(error).__name__
    return {stored: "stored bytes", plain: "unpacked"}.get(path.read_bytes() if data is path else data, "something else")


def file(call):
    call(str(path))
    return path


oss = oss2.Bucket(oss2.Auth("ak", "sk"), server.url, "bucket", is_path_style=True)
expect("oss2", read(lambda: oss.get_object("k").read()), "unpacked")
expect("oss2, file", read(lambda: file(lambda p: oss.get_object_to_file("k", p))), "InconsistentError")

config = oss_v2.config.load_default()
config.credentials_provider = oss_v2.credentials.StaticCredentialsProvider("ak", "sk")
config.region, config.endpoint, config.use_path_style = "cn-hangzhou", server.url, True
v2 = oss_v2.Client(config)
ask = oss_v2.GetObjectRequest(bucket="bucket", key="k")
expect("alibabacloud-oss-v2", read(lambda: v2.get_object(ask).body.read()), "unpacked")
expect("alibabacloud-oss-v2, file", read(lambda: file(lambda p: v2.get_object_to_file(ask, p))), "InconsistentError")

minio = Minio(server.address, access_key="ak", secret_key="sk", secure=False, region="us-east-1")
expect("minio", read(lambda: minio.get_object("bucket", "k").read()), "unpacked")
expect("minio, file", read(lambda: file(lambda p: minio.fget_object("bucket", "k", p))), "unpacked")

cos = CosS3Client(CosConfig(Region="ap-guangzhou", SecretId="ak", SecretKey="sk", Scheme="http", Domain=server.address))
expect("cos, get_stream", read(lambda: b"".join(cos.get_object("bucket-1", "k")["Body"].get_stream())), "unpacked")
expect("cos, get_raw_stream", read(lambda: cos.get_object("bucket-1", "k")["Body"].get_raw_stream().read()), "stored bytes")

s3 = boto3.client("s3", endpoint_url=server.url, aws_access_key_id="ak", aws_secret_access_key="sk",
                  region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))
expect("boto3", read(lambda: s3.get_object(Bucket="bucket", Key="k")["Body"].read()), "stored bytes")
obs = ObsClient(access_key_id="ak", secret_access_key="sk", server=server.url)
expect("esdk-obs-python", read(lambda: obs.getObject("bucket", "k", loadStreamInMemory=True).body.buffer), "stored bytes")
PY
run_node <<'JS'
import { gzipSync } from 'node:zlib';
import OSS from 'ali-oss';
import { expect, serve } from './answering.mjs';

const plain = 'hello '.repeat(100);
const server = await serve(() => [200, { 'content-encoding': 'gzip', etag: '"e"' }, gzipSync(plain)]);
const oss = new OSS({ accessKeyId: 'ak', accessKeySecret: 'sk', bucket: 'bucket', endpoint: `http://127.0.0.1:${server.port}`, sldEnable: true });
expect('ali-oss, unpacked', (await oss.get('k')).content.toString() === plain, true);
server.close();
JS
