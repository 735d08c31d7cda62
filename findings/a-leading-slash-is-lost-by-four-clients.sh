#!/usr/bin/env bash
# The key "/a" (S3 and OBS allow it, and it is another object than "a"): cos-python-sdk-v5 1.9.44, tos 2.9.3,
# bce-python-sdk 0.9.79 (Python), ali-oss 6.23.0 (npm), beside boto3 1.44.8 and esdk-obs-python 3.26.6
#
# Seen as the path of the request, behind the bucket: boto3 and esdk-obs-python "//a"; cos-python-sdk-v5, tos,
# bce-python-sdk and ali-oss "/a", which is the object "a". ali-oss also reports the name "a"; the others say nothing.
# Double slashes inside a key ("a//b") all six keep.
#
# Why it matters: a move by one of the four puts two objects into one, the later write wins, and a check by the same
# client finds both. Deleting "/a" deletes "a". List such keys before choosing the tool.
source "$(dirname "$0")/lib/setup.sh"
pip_install venv boto3==1.44.8 esdk-obs-python==3.26.6 cos-python-sdk-v5==1.9.44 tos==2.9.3 bce-python-sdk==0.9.79
npm_install ali-oss@6.23.0
run_python venv <<'PY'
import logging
import boto3
import tos
from answering import Server, expect
from baidubce.auth.bce_credentials import BceCredentials
from baidubce.bce_client_configuration import BceClientConfiguration
from baidubce.services.bos.bos_client import BosClient
from botocore.config import Config
from obs import ObsClient
from qcloud_cos import CosConfig, CosS3Client

logging.disable(logging.CRITICAL)
server = Server(lambda request: (204, {}, b""))
s3 = boto3.client("s3", endpoint_url=server.url, aws_access_key_id="ak", aws_secret_access_key="sk",
                  region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))
obs = ObsClient(access_key_id="ak", secret_access_key="sk", server=server.url)
# These two have the bucket in the host name, so the path is the key alone.
cos = CosS3Client(CosConfig(Region="ap-guangzhou", SecretId="ak", SecretKey="sk", Scheme="http", Domain=server.address))
volcano = tos.TosClientV2("ak", "sk", server.url, "cn-beijing", is_custom_domain=True)
bos = BosClient(BceClientConfiguration(credentials=BceCredentials("ak", "sk"), endpoint=server.address))
clients = {
    "boto3": (lambda key: s3.delete_object(Bucket="bucket", Key=key), "/bucket//a", "/bucket/a//b"),
    "esdk-obs-python": (lambda key: obs.deleteObject("bucket", key), "/bucket//a", "/bucket/a//b"),
    "cos-python-sdk-v5": (lambda key: cos.delete_object("bucket-1", key), "/a", "/a//b"),
    "tos": (lambda key: volcano.delete_object("bucket", key), "/a", "/a//b"),
    "bce-python-sdk": (lambda key: bos.delete_object("bucket", key), "/bucket/a", "/bucket/a//b"),
}
for name, (delete, leading, inside) in clients.items():
    delete("/a")
    delete("a//b")
    expect(name, [request["path"] for request in server.requests[-2:]], [leading, inside])
PY
run_node <<'JS'
import OSS from 'ali-oss';
import { expect, serve } from './answering.mjs';

const server = await serve(() => [200, { etag: '"e"' }, '']);
const oss = new OSS({ accessKeyId: 'ak', accessKeySecret: 'sk', bucket: 'bucket', endpoint: `http://127.0.0.1:${server.port}`, sldEnable: true });
const { name } = await oss.put('/a', Buffer.from('x'));
await oss.put('a//b', Buffer.from('x'));
expect('ali-oss', [name, ...server.requests.map((request) => request.path)], ['a', '/bucket/a', '/bucket/a//b']);
server.close();
JS
