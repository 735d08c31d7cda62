#!/usr/bin/env bash
# minio 8.0.7 (npm): listObjectsV2 reads object names as numbers where they look like one, and cuts blanks off.
#
# Seen: "007" is listed as "7", "1.10" as "1.1", "0x10" as "16", "5." as "5"; "00" and "-0" as ""; " lead" as "lead",
#       "trail " as "trail". "20260102" and "12345678901234567890" stay as they are. listObjects (the first version of the call)
#       keeps the numbers and cuts the blanks, and "a+b" becomes "a b" even where the server did not encode.
#
# Why it matters: names that are nothing but digits are common in buckets filled by programs. A copy by this listing asks for
# objects that are not there, and a comparison with another cloud's listing reports both "missing" and "unexpected" names.
source "$(dirname "$0")/lib/setup.sh"
npm_install minio@8.0.7
run_node <<'JS'
import * as Minio from 'minio';
import { expect, serve } from './answering.mjs';

const names = ['007', '1.10', '0x10', '5.', '00', '-0', ' lead', 'trail ', '20260102', '12345678901234567890', 'a007'];
const contents = (name) => `<Contents><Key>${name}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>"e"</ETag><Size>0</Size></Contents>`;
const page = (all) => `<?xml version="1.0"?><ListBucketResult><Name>bucket</Name><Prefix></Prefix><Marker></Marker><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>${all.map(contents).join('')}</ListBucketResult>`;

async function listed(method, all) {
  const server = await serve(() => [200, { 'content-type': 'application/xml' }, page(all)]);
  const client = new Minio.Client({ endPoint: '127.0.0.1', port: server.port, useSSL: false, accessKey: 'ak', secretKey: 'sk', region: 'us-east-1' });
  const seen = [];
  for await (const object of client[method]('bucket', '', true)) seen.push(object.name);
  server.close();
  return seen;
}

expect('listObjectsV2', await listed('listObjectsV2', names),
  ['7', '1.1', '16', '5', '', '', 'lead', 'trail', '20260102', '12345678901234567890', 'a007']);
expect('listObjects', await listed('listObjects', names), names.map((name) => name.trim()));
expect('listObjects, plus', await listed('listObjects', ['a+b']), ['a b']);
JS
