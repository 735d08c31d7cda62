import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../support/modules.mjs';

const { transfer } = await load('transfer.js');
const { ApiError } = await load('api.js');
const { fileEntry } = await load('entry.js');
const { delay } = await load('backoff.js');

const object = { id: 'u1', name: 'a.txt' };
const stored = { state: 'stored', object };
const pending = { state: 'pending' };
const broken = { status: 0, complete: false };

// Each of the scripted answers is given once, the last one for good.
function scripted(answers) {
  const left = [...answers];
  return async () => {
    const answer = left.length > 1 ? left.shift() : left[0];
    if (answer instanceof Error) throw answer;
    return answer;
  };
}

function run({
  orders = [{ id: 'u1', upload: {} }],
  posts = [{ status: 200 }],
  known = [stored],
  checks = [pending],
  entry,
}) {
  const calls = [];
  const called =
    (name, give) =>
    (...rest) => {
      calls.push(name);
      return give(...rest);
    };
  const tools = {
    api: {
      createUpload: called('order', scripted(orders)),
      upload: called('look', scripted(known)),
      check: called('check', scripted(checks)),
    },
    md5Of: called('md5', async () => 'd41d8cd98f00b204e9800998ecf8427e'),
    postForm: called('post', scripted(posts)),
    pause: called('pause', async () => {}),
  };
  const file = new File(['abc'], 'a.txt', { type: 'text/plain', lastModified: 1 });
  const subject = { ...fileEntry(file), file, ...entry };
  const states = [];
  const update = changes => {
    Object.assign(subject, changes);
    if (changes.state) states.push(changes.state);
  };
  const outcome = transfer(subject, { update, signal: new AbortController().signal, tools });
  return { outcome, calls, states, subject };
}

const reason = name => ({ name: 'Failure', reason: name });

test('a file goes its way: read, ordered, sent, seen', async () => {
  const { outcome, calls, states } = run({});
  assert.deepEqual(await outcome, { state: 'done', object });
  assert.deepEqual(calls, ['md5', 'order', 'post', 'look']);
  assert.deepEqual(states, ['hashing', 'asking', 'sending', 'settling']);
});

test('what is there already is not sent', async () => {
  const { outcome, calls } = run({ orders: [{ id: 'u0', duplicate: true, object }] });
  assert.deepEqual(await outcome, { state: 'duplicate', object });
  assert.deepEqual(calls, ['md5', 'order']);
});

test('a lost callback is settled by looking, again and again', async () => {
  const { outcome, calls } = run({
    posts: [{ status: 203, code: 'CallbackFailed' }],
    known: [pending],
    checks: [pending, new ApiError(503, '', ''), stored],
  });
  assert.deepEqual(await outcome, { state: 'done', object });
  assert.deepEqual(calls.slice(3), ['look', 'check', 'pause', 'check', 'pause', 'check']);
});

test('a connection that broke after the last byte is sent again only if nothing has arrived', async () => {
  const after = { status: 0, complete: true };
  const arrived = run({ posts: [after], known: [pending], checks: [stored] });
  assert.equal((await arrived.outcome).state, 'done');
  assert.equal(arrived.calls.filter(call => call === 'post').length, 1);
  const lost = run({ posts: [after, { status: 200 }], known: [pending, stored], checks: [pending] });
  assert.equal((await lost.outcome).state, 'done');
  assert.equal(lost.calls.filter(call => call === 'post').length, 2);
  assert.equal(lost.calls.filter(call => call === 'order').length, 2);
});

test('a broken connection is tried three times, each with a new order after a pause', async () => {
  const { outcome, calls } = run({ posts: [broken] });
  await assert.rejects(outcome, { ...reason('connection'), again: true });
  assert.deepEqual(calls, ['md5', 'order', 'post', 'pause', 'order', 'post', 'pause', 'order', 'post']);
});

test('an expired policy is replaced without a pause', async () => {
  const expired = {
    status: 403,
    code: 'AccessDenied',
    message: 'Invalid according to Policy: Policy expired.',
  };
  const { outcome, calls } = run({ posts: [expired, { status: 200 }] });
  assert.equal((await outcome).state, 'done');
  assert.deepEqual(calls, ['md5', 'order', 'post', 'order', 'post', 'look']);
});

test('a refusal is final, at the storage and at the desk', async () => {
  await assert.rejects(run({ posts: [{ status: 400, code: 'EntityTooLarge' }] }).outcome, reason('tooLarge'));
  await assert.rejects(run({ orders: [new ApiError(413, 'too_large', 'no')] }).outcome, reason('tooLarge'));
  await assert.rejects(run({ orders: [new ApiError(415, 'type', 'no')] }).outcome, reason('wrongType'));
  await assert.rejects(run({ orders: [new ApiError(400, 'name', 'no')] }).outcome, {
    ...reason('desk'),
    values: { message: 'no' },
  });
});

test('a desk that cannot be reached is asked three times, a refused token at once told', async () => {
  const unreachable = run({ orders: [new ApiError(0, '', '')] });
  await assert.rejects(unreachable.outcome, reason('unreachable'));
  assert.equal(unreachable.calls.filter(call => call === 'order').length, 3);
  await assert.rejects(run({ orders: [new ApiError(401, '', '')] }).outcome, {
    name: 'ApiError',
    status: 401,
  });
  await assert.rejects(run({ known: [new ApiError(401, '', '')] }).outcome, {
    name: 'ApiError',
    status: 401,
  });
});

test('what was sent and is never seen is told so, and can be looked for again', async () => {
  const { outcome, calls } = run({ posts: [{ status: 204 }], known: [pending] });
  await assert.rejects(outcome, { ...reason('unsettled'), again: true });
  assert.equal(calls.filter(call => call === 'check').length, 6);
  assert.equal(calls.filter(call => call === 'post').length, 1);
});

test('after a reload an upload is looked for, and waits for its file if it is not there', async () => {
  const there = run({ entry: { id: 'u1', file: undefined } });
  assert.deepEqual(await there.outcome, { state: 'done', object });
  assert.deepEqual(there.calls, ['look']);
  const half = run({ entry: { id: 'u1', file: undefined }, known: [pending] });
  assert.deepEqual(await half.outcome, { state: 'interrupted' });
  assert.deepEqual(half.calls, ['look', 'check']);
  const gone = run({
    entry: { id: 'u1', file: undefined, complete: true },
    known: [new ApiError(404, '', '')],
    checks: [new ApiError(404, '', '')],
  });
  assert.deepEqual(await gone.outcome, { state: 'interrupted' });
  assert.equal(gone.calls.filter(call => call === 'check').length, 4);
});

test('a file that is chosen while its upload is looked for goes on', async () => {
  const { outcome, calls } = run({ entry: { id: 'u1' }, known: [pending, stored] });
  assert.equal((await outcome).state, 'done');
  assert.deepEqual(calls, ['look', 'check', 'md5', 'order', 'post', 'look']);
});

test('an upload that was deleted meanwhile is told so', async () => {
  await assert.rejects(
    run({ entry: { id: 'u1' }, known: [{ state: 'deleted' }] }).outcome,
    reason('deleted'),
  );
});

test('a file that can no longer be read is not tried again', async () => {
  const file = new File(['abc'], 'a.txt');
  file.slice = () => ({ arrayBuffer: async () => Promise.reject(new Error('NotReadableError')) });
  const { outcome, calls } = run({ posts: [broken], entry: { file } });
  await assert.rejects(outcome, reason('unreadable'));
  assert.equal(calls.filter(call => call === 'post').length, 1);
});

test('files above 256 MiB are sent without an MD5', async () => {
  const { outcome, calls } = run({ entry: { file: { name: 'x', size: 256 * 1024 * 1024 + 1, type: '' } } });
  assert.equal((await outcome).state, 'done');
  assert.ok(!calls.includes('md5'));
});

test('pauses double, up to a limit, and half of each is left to chance', () => {
  const delays = [1, 2, 3, 10].map(attempt => delay(attempt, { random: () => 1 }));
  assert.deepEqual(delays, [1000, 2000, 4000, 30_000]);
  assert.equal(delay(2, { random: () => 0 }), 1000);
});
