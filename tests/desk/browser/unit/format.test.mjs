import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../support/modules.mjs';

const { formatBytes, formatDay, formatDuration, formatTime } = await load('format.js');
const { Rate } = await load('rate.js');

test('sizes go by steps of 1024 and never show four digits of a unit', () => {
  const cases = [
    [0, '0 B'],
    [1023, '1,023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [150 * 1024 + 512, '151 KiB'],
    [1024 ** 2 - 1, '1 MiB'],
    [5 * 1024 ** 3, '5 GiB'],
    [1024 ** 5, '1,024 TiB'],
  ];
  for (const [bytes, text] of cases) assert.equal(formatBytes(bytes, 'en'), text);
  assert.equal(formatBytes(1536, 'de'), '1,5 KiB');
});

test('times left are rounded up to what one looks at', () => {
  assert.equal(formatDuration(0.2, 'en'), '1 sec');
  assert.equal(formatDuration(59.1, 'en'), '60 sec');
  assert.equal(formatDuration(61, 'en'), '2 min');
  assert.equal(formatDuration(5400, 'en'), '1.5 hr');
  assert.match(formatDuration(30, 'zh-CN'), /^30\s?秒/);
});

test('dates are those of the language', () => {
  assert.equal(formatDay('2026-11-22T12:00:00.000Z', 'en-GB'), '22 Nov 2026');
  assert.equal(formatDay('2026-11-22T12:00:00.000Z', 'zh-CN'), '2026年11月22日');
  assert.match(formatTime('2026-11-22T12:00:00.000Z', 'en-GB'), /22 Nov 2026.*\d\d:\d\d/);
});

test('the rate is that of the last seconds, and begins anew with a new try', () => {
  const rate = new Rate();
  assert.equal(rate.bytesPerSecond, undefined);
  rate.add(0, 0);
  assert.equal(rate.bytesPerSecond, undefined);
  rate.add(1000, 1000);
  assert.equal(rate.bytesPerSecond, 1000);
  for (let second = 2; second <= 12; second += 1) rate.add(1000 + (second - 1) * 5000, second * 1000);
  assert.equal(rate.bytesPerSecond, 5000);
  rate.add(100, 13_000);
  assert.equal(rate.bytesPerSecond, undefined);
});
