import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../support/modules.mjs';

const { judge } = await load('verdict.js');
const { readError } = await load('oss-error.js');

test('success, a lost callback and an object that is there already are asked about at the desk', () => {
  for (const answer of [
    { status: 200 },
    { status: 204 },
    { status: 203, code: 'CallbackFailed' },
    { status: 409, code: 'FileAlreadyExists' },
  ]) {
    assert.deepEqual(judge(answer), { next: 'settle', sure: true }, JSON.stringify(answer));
  }
});

test('a connection that broke after the last byte leaves it open, before it nothing has arrived', () => {
  assert.deepEqual(judge({ status: 0, complete: true }), { next: 'settle', sure: false });
  const { next, wait, failure } = judge({ status: 0, complete: false });
  assert.deepEqual([next, wait, failure.reason], ['again', true, 'connection']);
});

test('an expired policy is replaced at once, trouble of the server after a while', () => {
  const expired = judge({
    status: 403,
    code: 'AccessDenied',
    message: 'Invalid according to Policy: Policy expired.',
  });
  assert.deepEqual([expired.next, expired.wait, expired.failure.reason], ['again', false, 'expired']);
  for (const status of [500, 503, 429]) assert.equal(judge({ status, code: 'InternalError' }).next, 'again');
  assert.equal(judge({ status: 400, code: 'RequestTimeout' }).next, 'again');
});

test('what OSS refuses for good is told in words', () => {
  const reasonOf = (status, code, message) => {
    const { next, failure } = judge({ status, code, message });
    assert.equal(next, 'fail');
    return failure.reason;
  };
  assert.equal(reasonOf(400, 'EntityTooLarge', ''), 'tooLarge');
  assert.equal(
    reasonOf(
      403,
      'AccessDenied',
      'Invalid according to Policy: Policy Condition failed: ["eq", "$key", "a"]',
    ),
    'denied',
  );
  assert.equal(reasonOf(400, 'InvalidDigest', ''), 'damaged');
  assert.equal(reasonOf(403, 'toString', ''), 'oss');
  assert.deepEqual(judge({ status: 418 }).failure.values, { code: 'HTTP 418', message: '' });
});

test('the code and the message of an error document are found, and nothing in anything else', () => {
  const parser = found => ({
    parseFromString: () => ({ querySelector: selector => found[selector] ?? null }),
  });
  const document = {
    'Error > Code': { textContent: ' AccessDenied ' },
    'Error > Message': { textContent: 'no' },
  };
  assert.deepEqual(readError('<Error>…</Error>\n', parser(document)), {
    code: 'AccessDenied',
    message: 'no',
  });
  assert.deepEqual(readError('<Error></Error>', parser({})), { code: '', message: '' });
  assert.deepEqual(readError('<html></html>', parser(document)), { code: '', message: '' });
});
