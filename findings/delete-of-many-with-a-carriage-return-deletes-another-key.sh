#!/usr/bin/env bash
# Deleting many keys, one of which holds a carriage return: oss2 2.19.1, esdk-obs-python 3.26.6, minio 7.2.20,
# cos-python-sdk-v5 1.9.44, boto3 1.44.8, alibabacloud-oss-v2 1.4.1 (Python), ali-oss 6.23.0, @aws-sdk/client-s3 3.1175.0 (npm)
#
# The keys travel in an XML document. XML makes a line feed of a bare carriage return before anybody sees it, so a writer
# has to send it as a character reference. Only boto3, alibabacloud-oss-v2 and @aws-sdk/client-s3 do.
#
# Seen for the key "a<CR>b": those three name it; oss2, esdk-obs-python, minio, cos-python-sdk-v5 and ali-oss name "a<LF>b".
#       esdk-obs-python has encoding_type="url", which writes "a%0Db" and is safe where the server knows it.
#
# Why it matters: deleting a missing key is a success everywhere, so the object stays and the answer says it is gone; if a
# key with a line feed exists, that one is deleted instead. Delete such keys one by one: a request path carries any byte.
source "$(dirname "$0")/lib/setup.sh"
pip_install venv oss2==2.19.1 esdk-obs-python==3.26.6 minio==7.2.20 cos-python-sdk-v5==1.9.44 boto3==1.44.8 alibabacloud-oss-v2==1.4.1
npm_install ali-oss@6.23.0 @aws-sdk/client-s3@3.1175.0
cat >"$work/read_key.py" <<'PY'
import xml.etree.ElementTree


def key_in(body):
    """The key as an XML parser reads it."""
    return next(element.text for element in xml.etree.ElementTree.fromstring(body).iter() if element.tag.endswith("Key"))
PY
export PYTHONPATH=$lib:$work
run_python venv <<'PY'
import alibabacloud_oss_v2 as oss_v2
import boto3
import obs
import oss2
from answering import Server, expect
from botocore.config import Config
from minio import Minio
from minio.deleteobjects import DeleteObject
from qcloud_cos import CosConfig, CosS3Client
from read_key import key_in

KEY = "a\rb"
server = Server(lambda request: (200, {"Content-Type": "application/xml"}, b"<DeleteResult></DeleteResult>"))


def named(call):
    call()
    return key_in(server.requests[-1]["body"])


bucket = oss2.Bucket(oss2.Auth("ak", "sk"), server.url, "bucket", is_path_style=True)
expect("oss2", named(lambda: bucket.batch_delete_objects([KEY])), "a\nb")

huawei = obs.ObsClient(access_key_id="ak", secret_access_key="sk", server=server.url)
request = obs.DeleteObjectsRequest(quiet=False, objects=[obs.Object(key=KEY)])
encoded = obs.DeleteObjectsRequest(quiet=False, objects=[obs.Object(key=KEY)], encoding_type="url")
expect("esdk-obs-python", named(lambda: huawei.deleteObjects("bucket", request)), "a\nb")
expect("esdk-obs-python, url", named(lambda: huawei.deleteObjects("bucket", encoded)), "a%0Db")

minio = Minio(server.address, access_key="ak", secret_key="sk", secure=False, region="us-east-1")
expect("minio", named(lambda: list(minio.remove_objects("bucket", [DeleteObject(KEY)]))), "a\nb")

cos = CosS3Client(CosConfig(Region="ap-guangzhou", SecretId="ak", SecretKey="sk", Scheme="http", Domain=server.address))
expect("cos-python-sdk-v5", named(lambda: cos.delete_objects("bucket-1", {"Object": [{"Key": KEY}]})), "a\nb")

s3 = boto3.client("s3", endpoint_url=server.url, aws_access_key_id="ak", aws_secret_access_key="sk",
                  region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))
expect("boto3", named(lambda: s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": KEY}]})), "a\rb")

config = oss_v2.config.load_default()
config.credentials_provider = oss_v2.credentials.StaticCredentialsProvider("ak", "sk")
config.region, config.endpoint, config.use_path_style = "cn-hangzhou", server.url, True
v2 = oss_v2.Client(config)
many = oss_v2.DeleteMultipleObjectsRequest(bucket="bucket", objects=[oss_v2.DeleteObject(key=KEY)])
expect("alibabacloud-oss-v2", named(lambda: v2.delete_multiple_objects(many)), "a\rb")
PY
run_node >"$work/bodies" <<'JS'
import { DeleteObjectsCommand, S3Client } from '@aws-sdk/client-s3';
import OSS from 'ali-oss';
import { serve } from './answering.mjs';

const server = await serve(() => [200, { 'content-type': 'application/xml' }, '<DeleteResult></DeleteResult>']);
const endpoint = `http://127.0.0.1:${server.port}`;
const oss = new OSS({ accessKeyId: 'ak', accessKeySecret: 'sk', bucket: 'bucket', endpoint, sldEnable: true });
await oss.deleteMulti(['a\rb']);
const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: 'ak', secretAccessKey: 'sk' } });
await s3.send(new DeleteObjectsCommand({ Bucket: 'bucket', Delete: { Objects: [{ Key: 'a\rb' }] } }));
console.log(JSON.stringify(server.requests.map((request) => request.body.toString())));
server.close();
JS
run_python venv "$work/bodies" <<'PY'
import json
import sys
from answering import expect
from read_key import key_in

ali, amazon = json.load(open(sys.argv[1]))
expect("ali-oss", key_in(ali), "a\nb")
expect("@aws-sdk/client-s3", key_in(amazon), "a\rb")
PY
