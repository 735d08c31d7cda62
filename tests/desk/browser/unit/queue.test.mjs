import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../support/modules.mjs';

const { Queue } = await load('queue.js');
const { ApiError } = await load('api.js');
const { Failure } = await load('failure.js');

const fileOf = name => new File([name], name, { lastModified: 1 });
const stored = { state: 'stored', name: 'n', size: 1, object: { id: 'o' } };

// A queue whose forms are answered only when the test says so.
function stopped({ refuse = () => null, api = {} } = {}) {
  const posts = [];
  const saved = [];
  const tools = {
    api: {
      createUpload: async ({ name }) => ({ id: `id-${name}`, upload: {} }),
      upload: async () => stored,
      ...api,
    },
    md5Of: async () => 'x',
    postForm: (_, file, { signal }) =>
      new Promise((resolve, reject) => {
        posts.push({ name: file.name, answer: () => resolve({ status: 200 }) });
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
    pause: async () => {},
  };
  const store = { save: entry => saved.push([entry.name, entry.state]), drop: () => {} };
  const queue = new Queue({ store, tools, refuse });
  return { queue, posts, saved };
}

const states = queue => queue.entries.map(({ name, state }) => `${name} ${state}`);

// Everything in the way of an entry that does not wait for the test is done within the turns of the
// microtasks.
const settled = () => new Promise(resolve => setImmediate(resolve));

test('three files go at once, the next when one is done', async () => {
  const { queue, posts } = stopped();
  queue.add(['a', 'b', 'c', 'd', 'e'].map(fileOf));
  await settled();
  assert.deepEqual(
    posts.map(({ name }) => name),
    ['a', 'b', 'c'],
  );
  posts[1].answer();
  await settled();
  assert.deepEqual(
    posts.map(({ name }) => name),
    ['a', 'b', 'c', 'd'],
  );
  assert.deepEqual(states(queue), ['a sending', 'b done', 'c sending', 'd sending', 'e waiting']);
});

test('a cancelled file makes room, and nothing late brings it back', async () => {
  const { queue, posts } = stopped();
  queue.add(['a', 'b', 'c', 'd'].map(fileOf));
  await settled();
  queue.cancel(queue.entries[0]);
  posts[0].answer();
  await settled();
  assert.deepEqual(states(queue), ['a cancelled', 'b sending', 'c sending', 'd sending']);
  queue.retry(queue.entries[0]);
  posts[1].answer();
  await settled();
  assert.equal(posts.at(-1).name, 'd');
  posts[2].answer();
  posts[3].answer();
  await settled();
  assert.deepEqual(states(queue), ['a done', 'b done', 'c done', 'd done']);
});

test('a refused token puts a file back, and signing in again goes on with it', async () => {
  let refused = true;
  const createUpload = async () => {
    if (refused) throw new ApiError(401, 'Unauthorized', '');
    return { id: 'u', upload: {} };
  };
  const { queue, posts } = stopped({ api: { createUpload } });
  queue.add([fileOf('a')]);
  queue.pause();
  await settled();
  assert.deepEqual(states(queue), ['a waiting']);
  refused = false;
  queue.resume();
  await settled();
  assert.equal(posts.length, 1);
});

test('a file that the desk would not take is refused without a word to it', async () => {
  const { queue, posts } = stopped({ refuse: () => new Failure('overLimit', { limit: 1 }) });
  queue.add([fileOf('a')]);
  await settled();
  assert.deepEqual(states(queue), ['a failed']);
  queue.retry(queue.entries[0]);
  assert.deepEqual([states(queue), posts.length], [['a failed'], 0]);
});

test('an interrupted file goes on when it is chosen again, and only that one', async () => {
  const { queue, posts } = stopped({
    api: { upload: async () => ({ state: 'pending' }), check: async () => ({ state: 'pending' }) },
  });
  const left = { kind: 'file', type: '', lastModified: 1 };
  queue.adopt([
    { ...left, key: 'k1', name: 'a', size: 1, state: 'interrupted' },
    { ...left, key: 'k2', name: 'b', size: 1, id: 'u', state: 'checking' },
  ]);
  await settled();
  assert.deepEqual(states(queue), ['a interrupted', 'b interrupted']);
  queue.add([fileOf('b'), new File(['other'], 'a', { lastModified: 2 })]);
  await settled();
  assert.deepEqual(posts.map(({ name }) => name).sort(), ['a', 'b']);
  assert.deepEqual(states(queue), ['a interrupted', 'b sending', 'a sending']);
});

test('an address is fetched by the desk beside the files, until it is stored or has failed', async () => {
  const answers = [{ state: 'fetching' }, new ApiError(502, '', ''), stored];
  const upload = async () => {
    const answer = answers.shift() ?? { state: 'failed', note: 'HTTP 404' };
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const asked = [];
  const fromUrl = async url => (asked.push(url), { id: 'u', state: 'fetching', name: 'x.png' });
  const { queue } = stopped({ api: { upload, fromUrl } });
  const objects = [];
  queue.addEventListener('stored', ({ detail }) => objects.push(detail.object));
  queue.addUrl('https://example.com/x.png');
  await settled();
  assert.deepEqual(
    [asked, states(queue), objects],
    [['https://example.com/x.png'], ['n done'], [stored.object]],
  );
  queue.addUrl('https://example.com/y.png');
  await settled();
  const failed = queue.entries[1];
  assert.deepEqual(
    [failed.state, failed.failure.reason, failed.failure.values],
    ['failed', 'notFetched', { message: 'HTTP 404' }],
  );
});

test('progress is not written to the storage, every change of state is', async () => {
  const { queue, posts, saved } = stopped();
  queue.add([fileOf('a')]);
  await settled();
  posts[0].answer();
  await settled();
  assert.deepEqual(
    [...new Set(saved.map(([, state]) => state))],
    ['waiting', 'hashing', 'asking', 'sending', 'settling', 'done'],
  );
});
