#!/usr/bin/env bash
# Status 200 with an <Error> in the body, as S3 documents for copies and for completing an upload, and as gateways send
# it for more: oss2 2.19.1, alibabacloud-oss-v2 1.4.1, esdk-obs-python 3.26.6, minio 7.2.20, cos-python-sdk-v5 1.9.44,
# boto3 1.44.8 (Python), ali-oss 6.23.0, @aws-sdk/client-s3 3.1175.0 (npm)
#
#                        copy                    complete an upload      list
#   boto3                error, after retries    -                       error, after retries
#   AWS for JS           error, after retries; success without a result if a line feed follows </Error>; list the same
#   oss2                 success                 success                 error (no XML that it knows)
#   alibabacloud-oss-v2  success, etag None      success, etag None      an empty page, is_truncated None
#   esdk-obs-python      status 200, no code     status 200, no code     no objects, is_truncated False
#   minio                error                   success, etag None      error
#   cos-python-sdk-v5    error                   error                   the <Error> itself as the listing
#   ali-oss              success                 success                 no objects
#
# Why it matters: a move reports objects as written that are not, and a mirror that deletes what the source does not list
# empties the destination. Ask for an ETag in every answer to a copy or a completed upload, and for the fields that a
# listing must have, before believing either.
source "$(dirname "$0")/lib/setup.sh"
pip_install venv oss2==2.19.1 alibabacloud-oss-v2==1.4.1 esdk-obs-python==3.26.6 minio==7.2.20 cos-python-sdk-v5==1.9.44 boto3==1.44.8
npm_install ali-oss@6.23.0 @aws-sdk/client-s3@3.1175.0
cat >"$work/error.xml" <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>InternalError</Code><Message>We encountered an internal error. Please try again.</Message><RequestId>1</RequestId></Error>
XML
run_python venv "$work/error.xml" <<'PY'
import io
import logging
import sys
import alibabacloud_oss_v2 as oss_v2
import boto3
import obs
import oss2
from answering import Server, expect
from botocore.config import Config
from minio import Minio
from minio.commonconfig import CopySource
from qcloud_cos import CosConfig, CosS3Client

logging.disable(logging.CRITICAL)
error = open(sys.argv[1], "rb").read()
server = Server(lambda request: (200, {"Content-Type": "application/xml", "x-obs-request-id": "1"}, error))


def outcome(call):
    try:
        return call()
    except Exception as raised:
        return type(raised).__name__


bucket = oss2.Bucket(oss2.Auth("ak", "sk"), server.url, "bucket", is_path_style=True)
expect("oss2, copy", outcome(lambda: bucket.copy_object("bucket", "source", "k").status), 200)
parts = [oss2.models.PartInfo(1, "e")]
expect("oss2, complete", outcome(lambda: bucket.complete_multipart_upload("k", "u", parts).status), 200)
expect("oss2, list", outcome(lambda: bucket.list_objects_v2().object_list), "RuntimeError")

config = oss_v2.config.load_default()
config.credentials_provider = oss_v2.credentials.StaticCredentialsProvider("ak", "sk")
config.region, config.endpoint, config.use_path_style = "cn-hangzhou", server.url, True
v2 = oss_v2.Client(config)
copy = v2.copy_object(oss_v2.CopyObjectRequest(bucket="bucket", key="k", source_key="source"))
expect("alibabacloud-oss-v2, copy", (copy.status_code, copy.etag), (200, None))
complete = v2.complete_multipart_upload(oss_v2.CompleteMultipartUploadRequest(
    bucket="bucket", key="k", upload_id="u",
    complete_multipart_upload=oss_v2.CompleteMultipartUpload(parts=[oss_v2.UploadPart(part_number=1, etag="e")])))
expect("alibabacloud-oss-v2, complete", (complete.status_code, complete.etag), (200, None))
page = v2.list_objects_v2(oss_v2.ListObjectsV2Request(bucket="bucket"))
expect("alibabacloud-oss-v2, list", (page.contents, page.is_truncated), (None, None))

huawei = obs.ObsClient(access_key_id="ak", secret_access_key="sk", server=server.url)
for name, answer in (
    ("copy", huawei.copyObject("bucket", "source", "bucket", "k")),
    ("complete", huawei.completeMultipartUpload("bucket", "k", "u", obs.CompleteMultipartUploadRequest(parts=[obs.CompletePart(1, "e")]))),
):
    expect(f"esdk-obs-python, {name}", (answer.status, answer.errorCode, dict(answer.body)), (200, None, {}))
page = huawei.listObjects("bucket")
expect("esdk-obs-python, list", (page.status, page.body.contents, page.body.is_truncated), (200, [], False))

minio = Minio(server.address, access_key="ak", secret_key="sk", secure=False, region="us-east-1")
expect("minio, copy", outcome(lambda: minio.copy_object("bucket", "k", CopySource("bucket", "source"))), "ValueError")
expect("minio, list", outcome(lambda: list(minio.list_objects("bucket"))), "ValueError")


def until_completed(request):
    if request["path"].endswith("?uploads="):
        begun = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
        return 200, {"Content-Type": "application/xml"}, begun
    return (200, {"ETag": '"e"'}, b"") if request["method"] == "PUT" else (200, {"Content-Type": "application/xml"}, error)


minio = Minio(Server(until_completed).address, access_key="ak", secret_key="sk", secure=False, region="us-east-1")
large = io.BytesIO(bytes(6 << 20))
expect("minio, complete", outcome(lambda: minio.put_object("bucket", "k", large, 6 << 20, part_size=5 << 20).etag), None)

cos = CosS3Client(CosConfig(Region="ap-guangzhou", SecretId="ak", SecretKey="sk", Scheme="http", Domain=server.address))
source = {"Bucket": "bucket-1", "Key": "source", "Region": "ap-guangzhou"}
expect("cos-python-sdk-v5, copy", outcome(lambda: cos.copy_object("bucket-1", "k", source)), "CosServiceError")
one = {"Part": [{"ETag": "e", "PartNumber": 1}]}
expect("cos-python-sdk-v5, complete", outcome(lambda: cos.complete_multipart_upload("bucket-1", "k", "u", one)), "CosServiceError")
expect("cos-python-sdk-v5, list", cos.list_objects("bucket-1")["Code"], "InternalError")

s3 = boto3.client("s3", endpoint_url=server.url, aws_access_key_id="ak", aws_secret_access_key="sk", region_name="us-east-1",
                  config=Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "total_max_attempts": 2}))
expect("boto3, copy", outcome(lambda: s3.copy_object(Bucket="bucket", Key="k", CopySource="bucket/source")), "ClientError")
expect("boto3, list", outcome(lambda: s3.list_objects_v2(Bucket="bucket")), "ClientError")
PY
run_node "$work/error.xml" <<'JS'
import { readFileSync } from 'node:fs';
import { CopyObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import OSS from 'ali-oss';
import { expect, serve } from './answering.mjs';

const error = readFileSync(process.argv[2], 'utf8').trim();
let body = error;
const server = await serve(() => [200, { 'content-type': 'application/xml' }, body]);
const endpoint = `http://127.0.0.1:${server.port}`;
const oss = new OSS({ accessKeyId: 'ak', accessKeySecret: 'sk', bucket: 'bucket', endpoint, sldEnable: true });
expect('ali-oss, copy', (await oss.copy('k', 'source')).res.status, 200);
expect('ali-oss, complete', (await oss.completeMultipartUpload('k', 'u', [{ number: 1, etag: 'e' }])).res.status, 200);
expect('ali-oss, list', (await oss.listV2({})).objects, []);
const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, maxAttempts: 2, credentials: { accessKeyId: 'ak', secretAccessKey: 'sk' } });
const outcome = (command) => s3.send(command).then(({ CopyObjectResult, Contents }) => ['success', CopyObjectResult ?? Contents ?? null], (raised) => raised.name);
expect('@aws-sdk/client-s3, copy', await outcome(new CopyObjectCommand({ Bucket: 'bucket', Key: 'k', CopySource: 'bucket/source' })), 'InternalError');
expect('@aws-sdk/client-s3, list', await outcome(new ListObjectsV2Command({ Bucket: 'bucket' })), 'InternalError');
body = `${error}\n`;
expect('@aws-sdk/client-s3, copy, line feed', await outcome(new CopyObjectCommand({ Bucket: 'bucket', Key: 'k', CopySource: 'bucket/source' })), ['success', {}]);
expect('@aws-sdk/client-s3, list, line feed', await outcome(new ListObjectsV2Command({ Bucket: 'bucket' })), ['success', null]);
server.close();
JS
