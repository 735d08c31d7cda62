// esdk-obs-nodejs, Huawei Cloud's client of OBS for Node, in its own dialect and in that of S3 (V2).

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';

// The packages live with the build output, not here.
const require = createRequire(`${process.env.PEER_MODULES}/`);
const ObsClient = require('esdk-obs-nodejs');
const dns = require('node:dns');

const twin = JSON.parse(process.env.CLOUD_TWIN);
const [account] = twin.huawei_accounts;
const [ossAccount] = twin.oss_accounts;
const { port } = new URL(twin.obs_url);
const listed = JSON.parse(readFileSync(new URL('keys.json', import.meta.url), 'utf8'));
const awkwardKeys = listed.map(({ name, key, times = 1 }) => [name, key.repeat(times)]);
const inByteOrder = keys => keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
// Whatever it is told, this client puts objects as JSON. Uploads in parts keep their type.
const TYPE_OF_PUTS = 'application/json';
const etagOf = body => `"${createHash('md5').update(body).digest('hex')}"`;
// Above the part size of the copies, and no multiple of it.
const large = Buffer.alloc(1_100_007, 'abcdefghi');

// Virtual-host names have no DNS entry: here all that are not this machine's own lead to it.
const { lookup } = dns;
dns.lookup = (host, ...rest) => lookup(host.endsWith('.myhuaweicloud.com') ? '127.0.0.1' : host, ...rest);

class Refused extends Error {
  constructor({ Status, Code }) {
    super(`${Status} ${Code}`);
    Object.assign(this, { status: Status, code: Code });
  }
}

const refusal = (status, code) => ({ name: 'Error', status, code });

// This client returns refusals. `sdk('putObject', { … })` throws them.
async function clientOf(server, secret = account.secret_key) {
  const client = new ObsClient({
    access_key_id: account.access_key,
    secret_access_key: secret,
    server,
    max_retry_count: 0,
  });
  // Its keys are set a turn later than its constructor returns: called at once it dies.
  await new Promise(setImmediate);
  return async (operation, parameters = {}) => {
    const { CommonMsg, InterfaceResult } = await client[operation](parameters);
    if (CommonMsg.Status >= 300) throw new Refused(CommonMsg);
    return { status: CommonMsg.Status, ...InterfaceResult };
  };
}

// The product's `copy -r` to its end, which must be success.
async function copy(source, destination, settings) {
  const env = {
    OSS_ENDPOINT: twin.oss_url,
    OSS_REGION: twin.region,
    OSS_ACCESS_KEY_ID: ossAccount.access_key,
    OSS_ACCESS_KEY_SECRET: ossAccount.secret_key,
    HW_AK: account.access_key,
    HW_SK: account.secret_key,
    NO_PROXY: '*',
    ...settings,
  };
  const flags = ['copy', '-r', source, destination, '--part-size', '256K'];
  await promisify(execFile)(process.env.OMS_BRIDGE, flags, { env, timeout: 120_000 });
}

async function admin(method, path) {
  const answer = await fetch(twin.admin_url + path, { method });
  assert.ok(answer.ok, path);
  return answer.json();
}

for (const [dialect, server] of [
  ['of OBS', `http://obs.cn-north-4.myhuaweicloud.com:${port}`],
  ['of S3', twin.obs_url],
]) {
  describe(`dialect ${dialect}`, () => {
    let buckets = 0;
    async function newBucket() {
      buckets += 1;
      const Bucket = `obs-node-${dialect.slice(3).toLowerCase()}-${buckets}`;
      const sdk = await clientOf(server);
      await sdk('createBucket', { Bucket });
      return [Bucket, (operation, parameters) => sdk(operation, { Bucket, ...parameters }), sdk];
    }

    async function keysOf(sdk, size = 1000) {
      const keys = [];
      let Marker;
      do {
        const page = await sdk('listObjects', { MaxKeys: size, Marker, EncodingType: 'url' });
        keys.push(...page.Contents.map(({ Key }) => Key));
        Marker = page.IsTruncated === 'true' ? page.NextMarker : undefined;
      } while (Marker);
      return keys;
    }

    const contentOf = async (sdk, Key) => {
      const { Content } = await sdk('getObject', { Key, SaveAsStream: true });
      return Buffer.concat(await Content.toArray());
    };

    test('awkward keys come back with content and metadata', async () => {
      const [, sdk] = await newBucket();
      for (const [name, Key] of awkwardKeys) {
        const Body = `content of ${Key}`;
        const Metadata = { origin: 'peer', note: 'two words; and=more' };
        const stored = await sdk('putObject', { Key, Body, Metadata });
        assert.equal(stored.ETag, etagOf(Body), name);
        assert.equal(String(await contentOf(sdk, Key)), Body, name);
        const head = await sdk('getObjectMetadata', { Key });
        assert.deepEqual({ ...head.Metadata }, Metadata, name);
        assert.equal(head.ContentType, TYPE_OF_PUTS, name);
      }
      const keys = inByteOrder(awkwardKeys.map(([, key]) => key));
      for (const size of [1000, 4]) assert.deepEqual(await keysOf(sdk, size), keys);
    });

    test('what it writes is copied and what was copied it reads, byte for byte', async () => {
      const [bucket, sdk] = await newBucket();
      const [back, sdkOfBack] = await newBucket();
      const tree = new Map([['dir/large', large], ['empty', Buffer.alloc(0)], ['测试/a+b c%25', Buffer.from('内容')]]);
      for (const [Key, Body] of tree) {
        await sdk('putObject', { Key, Body: Body.length ? Body : '', Metadata: { origin: 'peer' } });
      }
      await admin('POST', `/buckets/oss/${bucket}`);
      await copy(`obs://${bucket}`, `oss://${bucket}`, { SOURCE_ENDPOINT: twin.obs_url });
      assert.deepEqual(await admin('GET', `/buckets/oss/${bucket}`), inByteOrder([...tree.keys()]));
      await copy(`oss://${bucket}`, `obs://${back}`, { DEST_ENDPOINT: twin.obs_url });
      for (const [Key, body] of tree) {
        assert.ok((await contentOf(sdkOfBack, Key)).equals(body), Key);
        const head = await sdkOfBack('getObjectMetadata', { Key });
        assert.deepEqual([head.ContentType, head.Metadata.origin], [TYPE_OF_PUTS, 'peer'], Key);
      }
    });

    test('a copy within the service is told with every slash encoded', async () => {
      const [bucket, sdk] = await newBucket();
      for (const [name, Key] of awkwardKeys) {
        await sdk('putObject', { Key, Body: Key });
        await sdk('copyObject', { Key: 'copy', CopySource: `${bucket}/${Key}` });
        assert.equal(String(await contentOf(sdk, 'copy')), Key, name);
      }
      await assert.rejects(sdk('copyObject', { Key: 'copy', CopySource: `${bucket}/nowhere` }), refusal(404, 'NoSuchKey'));
    });

    test('parts become one object, told with its address', async () => {
      const [bucket, sdk] = await newBucket();
      const Key = 'a/b c';
      const { UploadId } = await sdk('initiateMultipartUpload', { Key, ContentType: 'text/x-peer' });
      assert.equal((await sdk('listParts', { Key, UploadId })).Parts.length, 0);
      const pieces = [large, Buffer.from('tail')];
      const Parts = [];
      for (const [at, Body] of pieces.entries()) {
        const { ETag } = await sdk('uploadPart', { Key, UploadId, PartNumber: at + 1, Body });
        Parts.push({ PartNumber: at + 1, ETag });
      }
      const done = await sdk('completeMultipartUpload', { Key, UploadId, Parts });
      // This client leaves the port out of the name of the host.
      const host = server.replace(/:\d+$/, '');
      const address = host.includes('//obs.') ? host.replace('//', `//${bucket}.`) : `${host}/${bucket}`;
      assert.equal(done.Location, `${address}/a/b%20c`);
      assert.equal((await sdk('getObjectMetadata', { Key })).ContentType, 'text/x-peer');
      assert.ok((await contentOf(sdk, Key)).equals(Buffer.concat(pieces)));
    });

    test('metadata is changed without the content', async () => {
      const [, sdk] = await newBucket();
      await sdk('putObject', { Key: 'k', Body: 'x', Metadata: { origin: 'peer' } });
      const change = { Key: 'k', ContentType: 'text/x-new', Metadata: { note: 'new' } };
      await sdk('setObjectMetadata', { ...change, MetadataDirective: 'REPLACE_NEW' });
      const merged = await sdk('getObjectMetadata', { Key: 'k' });
      assert.deepEqual([merged.ContentType, { ...merged.Metadata }], ['text/x-new', { origin: 'peer', note: 'new' }]);
      await sdk('setObjectMetadata', { ...change, MetadataDirective: 'REPLACE' });
      assert.deepEqual({ ...(await sdk('getObjectMetadata', { Key: 'k' })).Metadata }, { note: 'new' });
      assert.equal(String(await contentOf(sdk, 'k')), 'x');
    });

    test('a cold object is read once it is restored', async () => {
      const [, sdk] = await newBucket();
      // By the names of S3 the client says GLACIER.
      await sdk('putObject', { Key: 'k', Body: 'x', StorageClass: 'COLD' });
      const shown = server.includes('//obs.') ? 'COLD' : 'GLACIER';
      assert.equal((await sdk('getObjectMetadata', { Key: 'k' })).StorageClass, shown);
      await assert.rejects(contentOf(sdk, 'k'), refusal(403, 'InvalidObjectState'));
      assert.equal((await sdk('restoreObject', { Key: 'k', Days: 1, Tier: 'Expedited' })).status, 202);
      assert.equal((await sdk('getObjectMetadata', { Key: 'k' })).Restore, 'ongoing-request="true"');
      await assert.rejects(sdk('restoreObject', { Key: 'k', Days: 1 }), refusal(409, 'RestoreAlreadyInProgress'));
      await admin('POST', '/restores/finish');
      assert.equal(String(await contentOf(sdk, 'k')), 'x');
    });

    test('an object grows by appends', async () => {
      const [, sdk] = await newBucket();
      for (const [Position, Body] of [[0, 'one '], [4, 'two']]) {
        const { NextPosition } = await sdk('appendObject', { Key: 'k', Position, Body });
        assert.equal(Number(NextPosition), Position + Body.length);
      }
      assert.equal(String(await contentOf(sdk, 'k')), 'one two');
      const late = sdk('appendObject', { Key: 'k', Position: 4, Body: 'x' });
      await assert.rejects(late, refusal(409, 'PositionNotEqualToLength'));
    });

    test('ACL and tags come back', async () => {
      const [, sdk] = await newBucket();
      await sdk('putObject', { Key: 'k', Body: 'x' });
      await sdk('setObjectAcl', { Key: 'k', ACL: 'public-read' });
      const grants = async () => (await sdk('getObjectAcl', { Key: 'k' })).Grants.map(({ Permission }) => Permission);
      assert.deepEqual(await grants(), ['FULL_CONTROL', 'READ']);
      const Grants = [{ Grantee: { Type: 'CanonicalUser', ID: 'reader' }, Permission: 'READ_ACP' }];
      await sdk('setObjectAcl', { Key: 'k', Owner: { ID: 'owner' }, Grants });
      assert.deepEqual(await grants(), ['READ_ACP']);
      await sdk('setObjectTagging', { Key: 'k', Tags: [{ Key: 'colour', Value: 'blue & 红' }] });
      const { Tags } = await sdk('getObjectTagging', { Key: 'k' });
      assert.deepEqual(Tags.map(({ Key, Value }) => [Key, Value]), [['colour', 'blue & 红']]);
    });

    test('what is missing and what is wrong is told by its code', async () => {
      const [bucket, sdk] = await newBucket();
      await assert.rejects(sdk('getObject', { Key: 'nowhere' }), refusal(404, 'NoSuchKey'));
      await assert.rejects(sdk('getBucketEncryption'), refusal(404, 'NoSuchEncryptionConfiguration'));
      // Not what the local cloud can do; a signature that is none would be refused before.
      for (const ask of ['getBucketPublicAccessBlock', 'getBucketPolicyPublicStatus', 'getBucketPublicStatus']) {
        await assert.rejects(sdk(ask), refusal(501, 'NotImplemented'), ask);
      }
      const intruder = await clientOf(server, 'NotTheSecretOfAnybodyAtAll0123');
      await assert.rejects(intruder('listObjects', { Bucket: bucket }), refusal(403, 'SignatureDoesNotMatch'));
    });
  });
}
