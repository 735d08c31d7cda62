#!/usr/bin/env bash
# esdk-obs-nodejs 3.26.8: putObject and appendObject send Content-Type: application/json, whatever type they are told or the name says.
#
# Seen: putObject and appendObject of "a.txt" with ContentType "text/plain", and of "a.png" with none, all send application/json, with
#       a text as with a buffer. With SourceFile putObject sends what it was told, and so does initiateMultipartUpload. The Host header has no port.
#
# Why it matters: objects written by such a program are JSON for browsers and for rules that go by type. A copy keeps the type that it
# finds, so the copy is JSON too; neither copying nor comparing shows that it is wrong.
source "$(dirname "$0")/lib/setup.sh"
npm_install esdk-obs-nodejs@3.26.8
run_node <<'JS'
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ObsClient from 'esdk-obs-nodejs';
import { expect, serve } from './answering.mjs';

const seen = [];
const server = await serve((request) => {
  seen.push([request.headers['content-type'], request.headers.host]);
  return [200, { 'content-type': 'application/xml' }, ''];
});
const client = new ObsClient({ access_key_id: 'ak', secret_access_key: 'sk', server: `http://127.0.0.1:${server.port}`, max_retry_count: 0 });
await new Promise(setImmediate);
const sent = async (operation, parameters) => {
  seen.length = 0;
  await client[operation]({ Bucket: 'bucket', ...parameters });
  return seen[0][0];
};

const text = { Key: 'a.txt', ContentType: 'text/plain' };
expect('putObject, a text', await sent('putObject', { ...text, Body: 'x' }), 'application/json');
expect('putObject, a buffer', await sent('putObject', { ...text, Body: Buffer.from('x') }), 'application/json');
expect('putObject, by its name', await sent('putObject', { Key: 'a.png', Body: 'x' }), 'application/json');
expect('appendObject', await sent('appendObject', { ...text, Position: 0, Body: 'x' }), 'application/json');
const file = fileURLToPath(new URL('file', import.meta.url));
writeFileSync(file, 'x');
expect('putObject, a file', await sent('putObject', { ...text, SourceFile: file }), 'text/plain');
expect('initiateMultipartUpload', await sent('initiateMultipartUpload', text), 'text/plain');
expect('Host', seen[0][1], '127.0.0.1');
server.close();
JS
