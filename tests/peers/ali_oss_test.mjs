// ali-oss, Alibaba Cloud's client of OSS for Node, with signature V1 and V4.

import assert from 'node:assert/strict';
import { createHash, createVerify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import http from 'node:http';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';

// The packages live with the build output, not here.
const OSS = createRequire(`${process.env.PEER_MODULES}/`)('ali-oss');

const twin = JSON.parse(process.env.CLOUD_TWIN);
const account = twin.oss_accounts.find(({ security_token }) => !security_token);
const temporaryAccount = twin.oss_accounts.find(({ security_token }) => security_token);
const port = new URL(twin.oss_url).port;
const region = `oss-${twin.region}`;
const listed = JSON.parse(readFileSync(new URL('keys.json', import.meta.url), 'utf8'));
// urllib, the transport of this client, resolves dot segments after signing.
const isDotted = key => key.split('/').some(segment => segment === '.' || segment === '..');
const allKeys = listed.map(({ name, key, times = 1 }) => [name, key.repeat(times)]);
const awkwardKeys = allKeys.filter(([, key]) => !isDotted(key));

const digest = body => createHash('md5').update(body).digest();
const etagOf = body => `"${digest(body).toString('hex').toUpperCase()}"`;
const inByteOrder = keys => keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

// CRC-64/XZ, computed here because this client does not check it.
function crc64(body) {
  let crc = 0xffffffffffffffffn;
  for (const byte of body) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >> 1n) ^ (crc & 1n ? 0xc96c5795d7870f42n : 0n);
  }
  return String(crc ^ 0xffffffffffffffffn);
}

function clientOf(bucket, authorizationV4, options = {}) {
  return new OSS({
    accessKeyId: account.access_key,
    accessKeySecret: account.secret_key,
    endpoint: `http://localhost:${port}`,
    sldEnable: true,
    region,
    bucket,
    authorizationV4,
    ...options,
  });
}

const refusal = (status, code) => ({ name: `${code}Error`, status, code });

// An application server: `call` resolves to the first callback, once its signature is found right.
async function callbackServer(answer = '{"Status":"OK"}') {
  const server = http.createServer();
  const call = once(server, 'request').then(async ([request, response]) => {
    const body = Buffer.concat(await request.toArray());
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
    response.end(answer);
    const [path, query] = request.url.split('?');
    const target = decodeURIComponent(path) + (query === undefined ? '' : `?${query}`);
    const verify = createVerify('RSA-MD5').update(`${target}\n`).update(body);
    assert.ok(verify.verify(twin.callback_public_key, request.headers.authorization, 'base64'));
    return body.toString();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}/call`, call, close };
}

// The fields of a form whose policy the client signs.
function signedForm(client, v4, conditions) {
  const { accessKeyId, stsToken } = client.options;
  const expiration = new Date(Date.now() + 60_000).toISOString();
  if (!v4) {
    const fields = client.calculatePostSignature({ expiration, conditions });
    return stsToken ? { ...fields, 'x-oss-security-token': stsToken } : fields;
  }
  const date = new Date();
  const stamp = date.toISOString().replace(/[-:]|\.\d+/g, '');
  const fields = {
    'x-oss-signature-version': 'OSS4-HMAC-SHA256',
    'x-oss-credential': `${accessKeyId}/${stamp.slice(0, 8)}/${twin.region}/oss/aliyun_v4_request`,
    'x-oss-date': stamp,
    ...(stsToken && { 'x-oss-security-token': stsToken }),
  };
  const own = Object.entries(fields).map(([name, value]) => ({ [name]: value }));
  const policy = { expiration, conditions: [...conditions, ...own] };
  return {
    ...fields,
    policy: Buffer.from(JSON.stringify(policy)).toString('base64'),
    'x-oss-signature': client.signPostObjectPolicyV4(policy, date),
  };
}

function postForm(client, fields, file, name = 'a b.txt') {
  const form = new FormData();
  for (const [field, value] of Object.entries(fields)) form.append(field, value);
  form.append('file', file, name);
  return fetch(`http://localhost:${port}/${client.options.bucket}/`, { method: 'POST', body: form, redirect: 'manual' });
}

// Neither `fetch` nor `new URL` may see the address: both resolve dot segments, which breaks the signature.
function open(url) {
  const [, host, port, path] = /^http:\/\/([^:/]+):(\d+)(\/.*)$/.exec(url);
  return new Promise((resolve, reject) => {
    const request = http.get({ host, port, path }, async response => {
      const pieces = await response.toArray();
      resolve({ status: response.statusCode, body: Buffer.concat(pieces).toString() });
    });
    request.on('error', reject);
  });
}

const namesOf = ({ objects, prefixes }) =>
  [...objects.map(({ name }) => name), ...(prefixes ?? [])].map(decodeURIComponent);

async function listAll(client, query) {
  const keys = [];
  let marker;
  do {
    const page = await client.list({ 'encoding-type': 'url', ...query, ...(marker && { marker }) });
    keys.push(...namesOf(page));
    marker = page.nextMarker && decodeURIComponent(page.nextMarker);
  } while (marker);
  return keys;
}

async function listAllV2(client, query) {
  const keys = [];
  let token;
  do {
    const next = token && { 'continuation-token': token };
    const page = await client.listV2({ 'encoding-type': 'url', ...query, ...next });
    keys.push(...namesOf(page));
    token = page.nextContinuationToken;
  } while (token);
  return keys;
}

for (const [signature, v4] of [['V1', false], ['V4', true]]) {
  describe(`signature ${signature}`, () => {
    let buckets = 0;
    async function newBucket() {
      buckets += 1;
      const client = clientOf(`ali-oss-${signature.toLowerCase()}-${buckets}`, v4);
      await client.putBucket(client.options.bucket);
      return client;
    }
    const another = (client, options) => clientOf(client.options.bucket, v4, options);

    test('awkward keys come back with content and metadata', async () => {
      const client = await newBucket();
      for (const [name, key] of awkwardKeys) {
        const body = Buffer.from(`content of ${key}`);
        const meta = { origin: 'peer', note: 'two words; and=more' };
        const stored = await client.put(key, body, { mime: 'text/x-peer', meta });
        assert.equal(stored.res.headers.etag, etagOf(body), name);
        assert.equal(stored.res.headers['x-oss-hash-crc64ecma'], crc64(body), name);
        const got = await client.get(key);
        assert.deepEqual(got.content, body, name);
        const head = await client.head(key);
        assert.deepEqual(head.meta, meta, name);
        for (const { headers } of [got.res, head.res]) {
          assert.equal(headers.etag, etagOf(body), name);
          assert.equal(headers['x-oss-hash-crc64ecma'], crc64(body), name);
          assert.equal(headers['content-type'], 'text/x-peer', name);
        }
      }
    });

    test('keys that the client cannot put are refused, not renamed', async () => {
      const client = await newBucket();
      const dotted = allKeys.filter(([, key]) => isDotted(key));
      assert.ok(dotted.length > 0);
      for (const [, key] of dotted) {
        await assert.rejects(client.put(key, Buffer.from('x')), refusal(403, 'SignatureDoesNotMatch'));
      }
      assert.deepEqual(await listAll(client), []);
    });

    test('both listings name every awkward key in byte order', async () => {
      const client = await newBucket();
      const keys = awkwardKeys.map(([, key]) => key);
      for (const key of keys) await client.put(key, Buffer.from('x'));
      for (const size of [1000, 4]) {
        assert.deepEqual(await listAll(client, { 'max-keys': size }), inByteOrder(keys));
        assert.deepEqual(await listAllV2(client, { 'max-keys': size }), inByteOrder(keys));
      }
    });

    test('both listings roll up at the delimiter', async () => {
      const client = await newBucket();
      for (const key of ['top', 'dir/', 'dir/a', 'dir/sub/b', 'dir/sub/c']) await client.put(key, Buffer.from('x'));
      for (const list of [listAll, listAllV2]) {
        const found = await list(client, { prefix: 'dir/', delimiter: '/', 'max-keys': 1 });
        assert.deepEqual(found, ['dir/', 'dir/a', 'dir/sub/']);
      }
    });

    test('an empty object is an object', async () => {
      const client = await newBucket();
      const stored = await client.put('empty', Buffer.alloc(0));
      assert.equal(stored.res.headers['x-oss-hash-crc64ecma'], '0');
      assert.equal((await client.get('empty')).content.length, 0);
    });

    test('a stream of unknown length is stored', async () => {
      const client = await newBucket();
      await client.putStream('k', Readable.from([Buffer.from('first '), Buffer.from('second')]));
      assert.equal((await client.get('k')).content.toString(), 'first second');
    });

    test('a range is cut out', async () => {
      const client = await newBucket();
      await client.put('k', Buffer.from('0123456789'));
      const { content, res } = await client.get('k', { headers: { Range: 'bytes=3-5' } });
      assert.equal(res.status, 206);
      assert.equal(content.toString(), '345');
    });

    test('parts become one object', async () => {
      const client = await newBucket();
      const body = Buffer.alloc(250 << 10, 'abcdefghi');
      const partSize = 100 << 10;
      await client.multipartUpload('big', body, { partSize });
      const { content, res } = await client.get('big');
      const parts = [0, 1, 2].map(part => digest(body.subarray(part * partSize, (part + 1) * partSize)));
      assert.equal(res.headers.etag, etagOf(Buffer.concat(parts)).replace(/"$/, '-3"'));
      assert.ok(content.equals(body));
    });

    test('delete removes and is no error the second time', async () => {
      const client = await newBucket();
      for (const [, key] of awkwardKeys) {
        await client.put(key, Buffer.from('x'));
        await client.delete(key);
        await client.delete(key);
      }
      assert.deepEqual(await listAll(client), []);
    });

    test('multi-delete removes exactly the keys named', async () => {
      const client = await newBucket();
      // The reply names the keys without URL encoding, and XML 1.0 has no way to name a control character.
      const keys = awkwardKeys.map(([, key]) => key).filter(key => !key.includes('\u0001'));
      for (const key of [...keys, 'survivor']) await client.put(key, Buffer.from('x'));
      const { deleted } = await client.deleteMulti([...keys, 'never there']);
      assert.deepEqual(inByteOrder(deleted.map(({ Key }) => Key)), inByteOrder([...keys, 'never there']));
      assert.deepEqual(await listAll(client), ['survivor']);
    });

    test('a missing key and a missing bucket are told by name and code', async () => {
      const client = await newBucket();
      await assert.rejects(client.get('nowhere'), refusal(404, 'NoSuchKey'));
      await assert.rejects(client.head('nowhere'), refusal(404, 'NoSuchKey'));
      await assert.rejects(clientOf('no-such-bucket-here', v4).get('k'), refusal(404, 'NoSuchBucket'));
    });

    test('a wrong secret is a signature mismatch', async () => {
      const client = await newBucket();
      await client.put('k', Buffer.from('x'));
      const intruder = another(client, { accessKeySecret: 'NotTheSecretOfAnybodyAtAll0123' });
      const mismatch = refusal(403, 'SignatureDoesNotMatch');
      await assert.rejects(intruder.get('k'), mismatch);
      await assert.rejects(intruder.head('k'), mismatch);
      await assert.rejects(intruder.put('k', Buffer.from('overwritten')), mismatch);
      await assert.rejects(intruder.list(), mismatch);
      const stranger = another(client, { accessKeyId: 'NOBODYSACCESSKEY0000' });
      await assert.rejects(stranger.get('k'), refusal(403, 'InvalidAccessKeyId'));
      assert.equal((await client.get('k')).content.toString(), 'x');
    });

    test('a clock 16 minutes off is refused and 14 is not', async () => {
      const client = await newBucket();
      await client.put('k', Buffer.from('x'));
      const at = minutes => another(client, { amendTimeSkewed: minutes * 60_000 });
      await assert.rejects(at(16).get('k'), refusal(403, 'RequestTimeTooSkewed'));
      await assert.rejects(at(-16).get('k'), refusal(403, 'RequestTimeTooSkewed'));
      await at(14).get('k');
      await at(-14).get('k');
    });

    test('content that differs from its MD5 is not stored', async () => {
      const client = await newBucket();
      const headers = { 'Content-MD5': digest('other').toString('base64') };
      await assert.rejects(client.put('k', Buffer.from('this'), { headers }), refusal(400, 'InvalidDigest'));
      assert.deepEqual(await listAll(client), []);
    });

    test('temporary credentials need their token', async () => {
      const { options: { bucket } } = await newBucket();
      const keys = { accessKeyId: temporaryAccount.access_key, accessKeySecret: temporaryAccount.secret_key };
      const refresh = { refreshSTSToken: null, refreshSTSTokenInterval: 3_600_000 };
      const stsToken = temporaryAccount.security_token;
      const client = clientOf(bucket, v4, { ...keys, ...refresh, stsToken });
      await client.put('k', Buffer.from('x'));
      assert.equal((await client.get('k')).content.toString(), 'x');
      await assert.rejects(clientOf(bucket, v4, keys).get('k'), refusal(403, 'InvalidAccessKeyId'));
      const forged = clientOf(bucket, v4, { ...keys, ...refresh, stsToken: 'another' });
      await assert.rejects(forged.get('k'), refusal(403, 'InvalidSecurityToken'));
    });

    test('a presigned URL opens one object to anybody, a tampered one nothing', async () => {
      const client = await newBucket();
      const presign = (by, key) =>
        v4 ? by.signatureUrlV4('GET', 60, undefined, key) : by.signatureUrl(key, { expires: 60 });
      for (const [name, key] of awkwardKeys) {
        await client.put(key, Buffer.from(key));
        assert.deepEqual(await open(await presign(client, key)), { status: 200, body: key }, name);
      }
      const good = await presign(client, 'plain.txt');
      assert.match(good, /\/plain\.txt\?/);
      const intruder = another(client, { accessKeySecret: 'NotTheSecretOfAnybodyAtAll0123' });
      for (const url of [
        good.replace('/plain.txt?', '/dir/file.txt?'),
        `${good}&response-content-type=text/html`,
        await presign(intruder, 'plain.txt'),
      ]) {
        const { status, body } = await open(url);
        assert.equal(status, 403);
        assert.match(body, /<Code>SignatureDoesNotMatch<\/Code>/);
      }
    });

    test('a presigned PUT takes a body of its length only', { skip: !v4 }, async () => {
      const client = await newBucket();
      const headers = { 'Content-Length': 5, 'Content-Type': 'text/plain' };
      const url = await client.signatureUrlV4('PUT', 60, { headers }, 'k', ['Content-Length']);
      assert.equal(new URL(url).searchParams.get('x-oss-additional-headers'), 'content-length');
      const put = body => fetch(url, { method: 'PUT', headers: { 'Content-Type': 'text/plain' }, body });
      for (const body of ['', '1234', '123456', 'x'.repeat(100_000)]) {
        const refused = await put(body);
        assert.equal(refused.status, 403, `${body.length}`);
        assert.match(await refused.text(), /<Code>SignatureDoesNotMatch<\/Code>/);
      }
      await assert.rejects(client.get('k'), refusal(404, 'NoSuchKey'));
      assert.equal((await put('12345')).status, 200);
      assert.equal((await client.get('k')).content.toString(), '12345');
    });

    test('a form with a policy signed by the client is stored', async () => {
      const client = await newBucket();
      const { bucket } = client.options;
      const conditions = [{ bucket }, ['starts-with', '$key', '目录/'], ['content-length-range', 1, 10]];
      const fields = { ...signedForm(client, v4, conditions), key: '目录/${filename}', 'x-oss-meta-who': 'peer' };
      const stored = await postForm(client, fields, new Blob(['content'], { type: 'text/x-peer' }));
      assert.equal(stored.status, 204, await stored.text());
      assert.equal(stored.headers.get('etag'), etagOf('content'));
      const { content, res } = await client.get('目录/a b.txt');
      assert.equal(content.toString(), 'content');
      assert.equal(res.headers['content-type'], 'text/x-peer');
      assert.equal(res.headers['x-oss-meta-who'], 'peer');

      const refused = async (changed, file = new Blob(['content'])) => {
        const answer = await postForm(client, { ...fields, ...changed }, file);
        return [answer.status, /<Code>(.*)<\/Code>/.exec(await answer.text())[1]];
      };
      assert.deepEqual(await refused({ key: 'elsewhere' }), [403, 'AccessDenied']);
      assert.deepEqual(await refused({}, new Blob(['more than ten'])), [400, 'EntityTooLarge']);
      assert.deepEqual(await refused({}, new Blob([])), [400, 'EntityTooSmall']);
      assert.deepEqual(await refused({ policy: fields.policy.replace(/^./, 'f') }), [403, 'SignatureDoesNotMatch']);
      const intruder = another(client, { accessKeySecret: 'NotTheSecretOfAnybodyAtAll0123' });
      assert.deepEqual(await refused(signedForm(intruder, v4, conditions)), [403, 'SignatureDoesNotMatch']);
      assert.deepEqual(await listAll(client), ['目录/a b.txt']);
    });

    test('a form signed with temporary credentials brings their token', async () => {
      const client = await newBucket();
      const temporary = another(client, {
        accessKeyId: temporaryAccount.access_key,
        accessKeySecret: temporaryAccount.secret_key,
        stsToken: temporaryAccount.security_token,
        refreshSTSToken: null,
        refreshSTSTokenInterval: 3_600_000,
      });
      const fields = { ...signedForm(temporary, v4, []), key: 'k' };
      assert.equal((await postForm(client, fields, new Blob(['x']))).status, 204);
      delete fields['x-oss-security-token'];
      assert.equal((await postForm(client, fields, new Blob(['x']))).status, 403);
    });

    test('a form and a put call back', async () => {
      const client = await newBucket();
      const body = 'key=${object}&size=${size}&who=${x:who}';
      for (const upload of [
        async url => {
          const document = JSON.stringify({ callbackUrl: url, callbackBody: body });
          const callback = Buffer.from(document).toString('base64');
          const fields = { ...signedForm(client, v4, [{ callback }]), key: 'a b', callback, 'x:who': 'peer' };
          const answer = await postForm(client, fields, new Blob(['content']));
          assert.equal(answer.status, 200);
          return answer.json();
        },
        async url => {
          const callback = { url, body, contentType: 'application/x-www-form-urlencoded', customValue: { who: 'peer' } };
          return (await client.put('a b', Buffer.from('content'), { callback })).data;
        },
      ]) {
        const { url, call, close } = await callbackServer();
        try {
          assert.deepEqual(await upload(url), { Status: 'OK' });
          assert.equal(await call, 'key=a%20b&size=7&who=peer');
        } finally {
          close();
        }
      }
    });

    test('virtual-host names address the bucket', async () => {
      const pathStyle = await newBucket();
      // To an IP address this client sends the host name of the bucket.
      const client = another(pathStyle, { endpoint: `http://127.0.0.1:${port}`, sldEnable: false });
      await client.put('a//b c', Buffer.from('x'));
      assert.equal((await client.get('a//b c')).content.toString(), 'x');
      assert.deepEqual(await listAllV2(client), ['a//b c']);
      assert.equal((await pathStyle.get('a//b c')).content.toString(), 'x');
    });
  });
}
