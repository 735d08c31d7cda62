import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../support/modules.mjs';

const { refusal } = await load('limits.js');
const { areStale, withFreshLinks } = await load('links.js');

test('a file that is too large or of a type that is not taken is refused before it is sent', () => {
  const me = { max_size: 100, types: ['image/*', 'application/pdf'] };
  assert.equal(refusal({ size: 100, type: 'image/png' }, me), null);
  assert.equal(refusal({ size: 100, type: 'Application/PDF; x=y' }, me), null);
  assert.deepEqual(refusal({ size: 101, type: 'image/png' }, me).values, { limit: 100 });
  assert.equal(refusal({ size: 1, type: 'imagex/png' }, me).reason, 'wrongType');
  assert.equal(
    refusal({ size: 1, type: '' }, me),
    null,
    'the desk knows more than a browser that knows nothing',
  );
});

test('where the desk tells no limits there are none', () => {
  assert.equal(refusal({ size: 2 ** 50, type: 'a/b' }, {}), null);
  assert.equal(refusal({ size: 2 ** 50, type: 'a/b' }, { max_size: null, types: null }), null);
});

test('links are asked for anew shortly before they expire, and only then', async () => {
  const object = { id: 'a', links_expire_at: '2026-01-01T00:00:20.000Z' };
  const at = iso => Date.parse(iso);
  assert.equal(areStale(object, at('2026-01-01T00:00:00Z')), false);
  assert.equal(areStale(object, at('2026-01-01T00:00:15Z')), true);
  assert.equal(areStale({ links_expire_at: undefined }, 0), true);
  const api = { now: () => at('2026-01-01T00:01:00Z'), object: async id => ({ id, fresh: true }) };
  assert.deepEqual(await withFreshLinks(object, api), { id: 'a', fresh: true });
  assert.equal(await withFreshLinks(object, { now: () => 0 }), object);
});
