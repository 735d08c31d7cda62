import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { load } from '../support/modules.mjs';

const { transfer } = await load('transfer.js');
const { ApiError } = await load('api.js');
const { fileEntry } = await load('entry.js');
const { Crc64 } = await load('crc64.js');

const SIZE = 4;
const content = 'abcdefghij';
const digests = async blob => {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return {
    md5: createHash('md5').update(bytes).digest('hex'),
    crc64: new Crc64().update(bytes).value.toString(),
  };
};
const whole = new Crc64().update(new TextEncoder().encode(content)).value.toString();
const object = { id: 'o' };

/** A desk and a bucket in memory. `answers`: what OSS says to the parts in turn, until it says yes. */
function world({ answers = [], open = [], entry = {}, complete = [], text = content } = {}) {
  const uploads = new Map(open.map(upload => [upload.id, { state: 'uploading', stored: new Map(), ...upload }]));
  const calls = [];
  let begun = 0;
  const of = id => {
    const upload = uploads.get(id);
    if (!upload) throw new ApiError(404, 'not_found', '');
    if (upload.state === 'missing') throw new ApiError(409, 'not_open', '');
    return upload;
  };
  const plan = { part_size: SIZE, parts: Math.ceil(content.length / SIZE) };
  const shown = ({ id, state, name, size }) => ({
    id,
    state,
    name,
    size,
    ...(state === 'uploading' ? { multipart: plan } : {}),
    ...(state === 'stored' ? { object } : {}),
  });
  const api = {
    upload: async id => (uploads.has(id) ? shown(uploads.get(id)) : of(id)),
    check: async id => shown(uploads.get(id) ?? of(id)),
    uploads: async () => ({ uploads: [...uploads.values()].filter(({ state }) => state === 'uploading').map(shown) }),
    beginUpload: async ({ name, size }) => {
      calls.push('begin');
      const id = `new${(begun += 1)}`;
      uploads.set(id, { id, name, size, state: 'uploading', stored: new Map() });
      return shown(uploads.get(id));
    },
    parts: async id => ({ parts: [...of(id).stored.values()].sort((a, b) => a.number - b.number) }),
    signParts: async (id, parts) => {
      of(id);
      return { parts: parts.map(part => ({ ...part, url: id, headers: [] })) };
    },
    completeUpload: async (id, crc64) => {
      calls.push(`complete ${id}`);
      const refusal = complete.shift();
      if (refusal) throw refusal;
      of(id).state = crc64 === whole ? 'stored' : 'failed';
      return shown(of(id));
    },
  };
  const putPart = async ({ url, number }, part, { onProgress }) => {
    calls.push(`put ${number}`);
    const answer = answers.shift();
    if (answer?.code === 'NoSuchUpload') uploads.get(url).state = 'missing';
    if (answer) return { complete: false, ...answer };
    onProgress(part.size);
    const { md5, crc64 } = await digests(part);
    uploads.get(url).stored.set(number, { number, size: part.size, etag: md5.toUpperCase(), crc64 });
    return { status: 200, complete: true, etag: `"${md5.toUpperCase()}"` };
  };
  const file = new File([text], 'film.mp4', { type: 'video/mp4', lastModified: 1 });
  const subject = { ...fileEntry(file), file, ...entry };
  const states = [];
  const update = changes => {
    Object.assign(subject, changes);
    if (changes.state && states.at(-1) !== changes.state) states.push(changes.state);
  };
  const pause = async () => void calls.push('pause');
  const tools = { api, digestsOf: digests, putPart, pause, multipartAbove: SIZE };
  const run = () => transfer(subject, { update, signal: new AbortController().signal, tools });
  return { run, calls, states, subject, uploads };
}

const stored = async (number, text) => {
  const blob = new Blob([text]);
  const { md5, crc64 } = await digests(blob);
  return [number, { number, size: blob.size, etag: md5.toUpperCase(), crc64 }];
};

test('a large file goes up in parts and is put together', async () => {
  const { run, calls, states, subject } = world();
  assert.deepEqual(await run(), { state: 'done', object });
  assert.deepEqual(calls, ['begin', 'put 1', 'put 2', 'put 3', 'complete new1']);
  assert.deepEqual(states, ['asking', 'sending', 'settling']);
  assert.equal(subject.sent, content.length);
});

test('what is stored is compared, and not sent again', async () => {
  const open = [{ id: 'u', name: 'film.mp4', size: 10, stored: new Map([await stored(1, 'abcd')]) }];
  const known = world({ open, entry: { id: 'u' } });
  await known.run();
  assert.deepEqual(known.calls, ['put 2', 'put 3', 'complete u']);
  assert.deepEqual(known.states, ['checking', 'asking', 'comparing', 'sending', 'settling']);
  const other = world({ open: [{ ...open[0], stored: new Map([await stored(1, 'abcd')]) }] });
  await other.run();
  assert.deepEqual(other.calls, ['put 2', 'put 3', 'complete u'], 'another page had begun it');
});

test('a part that differs is sent again, and an upload of another file of that name is left alone', async () => {
  const open = async text => [{ id: 'u', name: 'film.mp4', size: 10, stored: new Map([await stored(1, text)]) }];
  const own = world({ open: await open('abcX'), entry: { id: 'u' } });
  await own.run();
  assert.deepEqual(own.calls, ['put 1', 'put 2', 'put 3', 'complete u']);
  const foreign = world({ open: await open('abcX') });
  await foreign.run();
  assert.equal(foreign.calls[0], 'begin');
});

test('a lost network is waited for, an expired URL is replaced at once', async () => {
  const expired = { status: 403, code: 'AccessDenied', message: 'Request has expired.' };
  const { run, calls } = world({ answers: [{ status: 0 }, expired] });
  await run();
  assert.equal(calls.filter(call => call === 'pause').length, 1);
  assert.equal(calls.filter(call => call.startsWith('put')).length, 5);
});

test('a network that stays away ends the tries, and the next one goes on', async () => {
  const { run, calls, subject } = world({ answers: Array.from({ length: 18 }, () => ({ status: 0 })) });
  await assert.rejects(run(), { reason: 'connection', again: true });
  assert.equal(subject.id, 'new1');
  const before = calls.length;
  await run();
  assert.ok(!calls.slice(before).includes('begin'));
});

test('a part that was damaged on its way is sent again', async () => {
  const { run, calls } = world({
    answers: [{ status: 400, code: 'InvalidDigest' }, { status: 200, etag: '"00"' }],
  });
  await run();
  assert.equal(calls.filter(call => call.startsWith('put')).length, 5);
});

test('an upload that is gone is begun again, and a refusal is final', async () => {
  const gone = world({ answers: [{ status: 404, code: 'NoSuchUpload' }] });
  await gone.run();
  assert.equal(gone.calls.filter(call => call === 'begin').length, 2);
  await assert.rejects(world({ answers: [{ status: 403, code: 'AccessDenied' }] }).run(), { reason: 'denied' });
});

test('parts that are not the file are sent again', async () => {
  const { run, calls } = world({ complete: [new ApiError(409, 'parts_differ', '')] });
  await run();
  assert.equal(calls.filter(call => call.startsWith('complete')).length, 2);
});
