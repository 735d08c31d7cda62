import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { load } from '../support/modules.mjs';

const { Md5 } = await load('md5.js');

const bytes = length => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255);
const expected = data => createHash('md5').update(data).digest('hex');

test('every length around the padding has the MD5 that OpenSSL computes', () => {
  for (const length of [0, 1, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 1000, 65_536, 70_001]) {
    assert.equal(new Md5().update(bytes(length)).hex(), expected(bytes(length)), `${length} bytes`);
  }
});

test('the pieces that bytes come in do not matter', () => {
  const data = bytes(1000);
  for (const size of [1, 3, 55, 63, 64, 65, 128, 999]) {
    const md5 = new Md5();
    for (let at = 0; at < data.length; at += size) md5.update(data.subarray(at, at + size));
    md5.update(new Uint8Array());
    assert.equal(md5.hex(), expected(data), `pieces of ${size}`);
  }
});

test('the counter goes on past 4 GiB', () => {
  const hex = length => new Md5(length).hex();
  const lengths = [0, 2 ** 29, 2 ** 32, 2 ** 32 + 2 ** 29, 2 ** 35, 5 * 2 ** 40];
  assert.equal(new Set(lengths.map(hex)).size, lengths.length);
  // The block of padding alone, with the length field of 512 MiB, 4 GiB and 5 GiB + 64: by a separate
  // computation in Python.
  assert.equal(hex(0), 'd41d8cd98f00b204e9800998ecf8427e');
  assert.equal(hex(2 ** 29), 'dc65c2a962f7b56545e7840dde7949f8');
  assert.equal(hex(2 ** 32), 'fab8ffabd3f026600216a1fdaf873ffb');
  assert.equal(hex(5 * 2 ** 30 + 64), 'f986fdaecaec442da9ebc023d9765df8');
});
