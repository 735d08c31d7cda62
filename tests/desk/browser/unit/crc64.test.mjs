import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../support/modules.mjs';

const { Crc64, combine } = await load('crc64.js');

const bytes = length => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255);
const crc64 = data => new Crc64().update(data).value;

// A bit at a time, as the definition has it.
function slow(data) {
  let value = 0xffffffffffffffffn;
  for (const byte of data) {
    value ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1)
      value = value & 1n ? (value >> 1n) ^ 0xc96c5795d7870f42n : value >> 1n;
  }
  return value ^ 0xffffffffffffffffn;
}

test('the checksum is that of OSS', () => {
  assert.equal(crc64(new TextEncoder().encode('123456789')), 11051210869376104954n);
  assert.equal(crc64(new Uint8Array()), 0n);
  for (const length of [1, 7, 8, 9, 15, 16, 1000]) assert.equal(crc64(bytes(length)), slow(bytes(length)));
});

test('the pieces that bytes come in do not matter', () => {
  const data = bytes(1000);
  for (const size of [1, 3, 8, 13, 999]) {
    const pieces = new Crc64();
    for (let at = 0; at < data.length; at += size) pieces.update(data.subarray(at, at + size));
    assert.equal(pieces.value, crc64(data), `pieces of ${size}`);
  }
});

test('checksums of parts add up to that of the whole', () => {
  const data = bytes(5000);
  for (const at of [0, 1, 8, 4096, 4999, 5000]) {
    const [first, second] = [data.subarray(0, at), data.subarray(at)];
    assert.equal(combine(crc64(first), crc64(second), second.length), crc64(data), `cut at ${at}`);
  }
});
