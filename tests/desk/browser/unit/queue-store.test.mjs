import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../support/modules.mjs';

const { QueueStore, queuesIn } = await load('queue-store.js');
const { MemoryStorage, keysOf } = await load('storage.js');
const { awaits, fileEntry, urlEntry } = await load('entry.js');
const { Failure } = await load('failure.js');
const { Session } = await load('session.js');

const photo = { name: 'photo.jpg', size: 5, lastModified: 77, type: 'image/jpeg' };
const storeOf = (storage, queue = 'q1', user = 'eric', now = () => 1000) =>
  new QueueStore(storage, { queue, user, now });

test('an unfinished file comes back without its content, to be looked for or chosen again', () => {
  const storage = new MemoryStorage();
  const store = storeOf(storage);
  const fresh = fileEntry(photo);
  const sent = {
    ...fileEntry({ ...photo, name: 'b' }),
    id: 'abc',
    state: 'settling',
    complete: true,
    file: {},
    md5: 'x',
  };
  store.save(fresh);
  store.save(sent);
  const [first, second] = store.load().sort((a, b) => b.name.localeCompare(a.name));
  assert.deepEqual(first, { ...fresh, state: 'interrupted', id: undefined, complete: undefined });
  assert.deepEqual(
    [second.id, second.state, second.complete, second.file],
    ['abc', 'checking', true, undefined],
  );
});

test('what is over, and an address without an upload, leaves nothing behind', () => {
  const storage = new MemoryStorage();
  const store = storeOf(storage);
  const entry = { ...fileEntry(photo), id: 'abc' };
  store.save(entry);
  for (const change of [
    { state: 'done' },
    { state: 'duplicate' },
    { state: 'cancelled' },
    { state: 'failed', failure: new Failure('denied') },
  ]) {
    store.save({ ...entry, state: 'sending' });
    assert.equal(storage.length, 1);
    store.save({ ...entry, ...change });
    assert.equal(storage.length, 0, change.state);
  }
  store.save(urlEntry('https://example.com/a.png?secret=1'));
  assert.equal(storage.length, 0);
  store.save({
    ...entry,
    state: 'failed',
    failure: Object.assign(new Failure('connection'), { again: true }),
  });
  assert.equal(store.load().length, 1);
});

test('neither a token nor an address is ever written', () => {
  const storage = new MemoryStorage();
  storeOf(storage).save({
    ...urlEntry('https://example.com/a.png?secret=1'),
    id: 'abc',
    token: 'geheim',
    state: 'fetching',
  });
  const written = keysOf(storage)
    .map(key => key + storage.getItem(key))
    .join();
  assert.ok(written.includes('a.png') && !/secret|geheim/.test(written), written);
});

test('another tab and another user have queues of their own', () => {
  const storage = new MemoryStorage();
  storeOf(storage, 'q1').save(fileEntry(photo));
  assert.equal(storeOf(storage, 'q2').load().length, 0);
  assert.equal(storeOf(storage, 'q1', 'mia').load().length, 0);
  assert.equal(storeOf(storage, 'q1').load().length, 1, 'looking has taken nothing away');
});

test('a queue that was left behind moves, except for what is of another user', () => {
  const storage = new MemoryStorage();
  const entry = fileEntry(photo);
  storeOf(storage, 'old').save(entry);
  storeOf(storage, 'old', 'mia').save(fileEntry(photo));
  assert.deepEqual([...queuesIn(storage)], [['old', 1000]]);
  assert.deepEqual(
    storeOf(storage, 'new')
      .takeOver('old')
      .map(({ key }) => key),
    [entry.key],
  );
  assert.deepEqual([...queuesIn(storage).keys()].sort(), ['new', 'old']);
  assert.deepEqual(storeOf(storage, 'new').takeOver('old'), []);
  assert.equal(storeOf(storage, 'old', 'mia').load().length, 1);
});

test('what is a week old, or is no record at all, is thrown away', () => {
  const storage = new MemoryStorage();
  storeOf(storage).save(fileEntry(photo));
  storage.setItem('desk.queue.q1.bad', '{');
  storage.setItem('desk.queue.q1.strange', '{"key":1}');
  storage.setItem('desk.queue.q1.empty', 'null');
  assert.equal(storeOf(storage).load().length, 1);
  assert.equal(storage.length, 1);
  assert.equal(storeOf(storage, 'q1', 'eric', () => 8 * 24 * 3600 * 1000).load().length, 0);
  assert.equal(storage.length, 0);
});

test('a full storage does not stop an upload', () => {
  const full = new MemoryStorage();
  full.setItem = () => {
    throw new Error('QuotaExceededError');
  };
  storeOf(full).save(fileEntry(photo));
});

test('a file is known again by name, size and time, while its entry waits for it', () => {
  const entry = { ...fileEntry(photo), state: 'interrupted' };
  assert.ok(awaits(entry, photo));
  assert.ok(!awaits(entry, { ...photo, lastModified: 78 }));
  assert.ok(!awaits(entry, { ...photo, size: 6 }));
  assert.ok(!awaits({ ...entry, file: {} }, photo));
  assert.ok(!awaits({ ...entry, state: 'done' }, photo));
});

test('a token is remembered only where it shall be, and a refused one does not take a newer one with it', () => {
  const [temporary, lasting] = [new MemoryStorage(), new MemoryStorage()];
  const session = new Session(temporary, lasting);
  assert.equal(session.token, '');
  session.keep('one', false);
  assert.deepEqual([temporary.length, lasting.length], [1, 0]);
  session.keep('two', true);
  assert.equal(new Session(new MemoryStorage(), lasting).token, 'two');
  lasting.setItem(keysOf(lasting)[0], 'three');
  session.forget();
  assert.deepEqual([session.token, temporary.length, lasting.getItem(keysOf(lasting)[0])], ['', 0, 'three']);
});
