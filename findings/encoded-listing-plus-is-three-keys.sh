#!/usr/bin/env bash
# One listing with encoding-type=url, eight clients, three names for the same object.
# boto3 1.44.8, minio 7.2.20, esdk-obs-python 3.26.6, alibabacloud-oss-v2 1.4.1, cos-python-sdk-v5 1.9.44 (Python);
# minio 8.0.7, ali-oss 6.23.0, @aws-sdk/client-s3 3.1175.0 (npm)
#
# The key "a%2Bb+c%20d" in an encoded listing:
#   by the form rule ("+" is a blank)   "a+b c d"       boto3, both minio, esdk-obs-python (even where nobody asked for encoding)
#   by the percent rule ("+" stays)     "a+b+c d"       alibabacloud-oss-v2, cos-python-sdk-v5 by itself
#   not at all                          "a%2Bb+c%20d"   ali-oss, @aws-sdk/client-s3, cos-python-sdk-v5 if the caller asks for encoding
#
# Why it matters: a list of keys made with one client and worked off with another misses objects with a blank or a plus,
# or names others. Which rule a key follows belongs beside every stored list of keys; a server is safe for all the
# decoding ones when it writes %20 and %2B, never "+".
source "$(dirname "$0")/lib/setup.sh"
pip_install venv boto3==1.44.8 minio==7.2.20 esdk-obs-python==3.26.6 alibabacloud-oss-v2==1.4.1 cos-python-sdk-v5==1.9.44
npm_install minio@8.0.7 ali-oss@6.23.0 @aws-sdk/client-s3@3.1175.0
cat >"$work/listing.xml" <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult><Name>bucket</Name><Prefix></Prefix><Marker></Marker><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated><KeyCount>1</KeyCount><Contents><Key>a%2Bb+c%20d</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>"d41d8cd98f00b204e9800998ecf8427e"</ETag><Type>Normal</Type><Size>0</Size><StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>
XML
run_python venv "$work/listing.xml" <<'PY'
import sys
import alibabacloud_oss_v2 as oss
import boto3
from answering import Server, expect
from botocore.config import Config
from minio import Minio
from obs import ObsClient
from qcloud_cos import CosConfig, CosS3Client

listing = open(sys.argv[1], "rb").read()
server = Server(lambda request: (200, {"Content-Type": "application/xml"}, listing))

s3 = boto3.client("s3", endpoint_url=server.url, aws_access_key_id="ak", aws_secret_access_key="sk",
                  region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))
expect("boto3", s3.list_objects_v2(Bucket="bucket")["Contents"][0]["Key"], "a+b c d")

minio = Minio(server.address, access_key="ak", secret_key="sk", secure=False, region="us-east-1")
expect("minio", next(minio.list_objects("bucket")).object_name, "a+b c d")

obs = ObsClient(access_key_id="ak", secret_access_key="sk", server=server.url)
expect("esdk-obs-python", obs.listObjects("bucket", encoding_type="url").body.contents[0].key, "a+b c d")
expect("esdk-obs-python, not asked", obs.listObjects("bucket").body.contents[0].key, "a+b c d")

config = oss.config.load_default()
config.credentials_provider = oss.credentials.StaticCredentialsProvider("ak", "sk")
config.region, config.endpoint, config.use_path_style = "cn-hangzhou", server.url, True
answer = oss.Client(config).list_objects_v2(oss.ListObjectsV2Request(bucket="bucket"))
expect("alibabacloud-oss-v2", answer.contents[0].key, "a+b+c d")

cos = CosS3Client(CosConfig(Region="ap-guangzhou", SecretId="ak", SecretKey="sk", Scheme="http", Domain=server.address))
expect("cos-python-sdk-v5", cos.list_objects("bucket-1")["Contents"][0]["Key"], "a+b+c d")
expect("cos-python-sdk-v5, asked", cos.list_objects("bucket-1", EncodingType="url")["Contents"][0]["Key"], "a%2Bb+c%20d")
PY
run_node "$work/listing.xml" <<'JS'
import { readFileSync } from 'node:fs';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import OSS from 'ali-oss';
import * as Minio from 'minio';
import { expect, serve } from './answering.mjs';

const listing = readFileSync(process.argv[2]);
const server = await serve(() => [200, { 'content-type': 'application/xml' }, listing]);
const endpoint = `http://127.0.0.1:${server.port}`;

const minio = new Minio.Client({ endPoint: '127.0.0.1', port: server.port, useSSL: false, accessKey: 'ak', secretKey: 'sk', region: 'us-east-1' });
for await (const object of minio.listObjectsV2('bucket', '', true)) expect('minio', object.name, 'a+b c d');

const oss = new OSS({ accessKeyId: 'ak', accessKeySecret: 'sk', bucket: 'bucket', endpoint, sldEnable: true });
expect('ali-oss', (await oss.listV2({ 'encoding-type': 'url' })).objects[0].name, 'a%2Bb+c%20d');

const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: 'ak', secretAccessKey: 'sk' } });
const answer = await s3.send(new ListObjectsV2Command({ Bucket: 'bucket', EncodingType: 'url' }));
expect('@aws-sdk/client-s3', answer.Contents[0].Key, 'a%2Bb+c%20d');
server.close();
JS
