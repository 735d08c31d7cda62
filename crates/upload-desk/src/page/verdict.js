// What an answer of OSS to a form means for the upload.

import { Failure } from './failure.js';

const REASONS = {
  AccessDenied: 'denied',
  EntityTooLarge: 'tooLarge',
  EntityTooSmall: 'tooSmall',
  InvalidDigest: 'damaged',
  NoSuchBucket: 'noBucket',
  RequestTimeTooSkewed: 'clock',
};

/**
 * `answer`: {status, code, message, complete}. A `status` of 0 is a broken or stalled connection; `complete`
 * says that the last byte had left.
 *
 * Gives {next}: `settle`, ask the desk, since the object is or (unless `sure`) may be there; `again`, order a
 * new form (`wait` a while before that); `fail` for the reason in `failure`.
 */
export function judge({ status, code = '', message = '', complete = false }) {
  if (status >= 200 && status < 300) return { next: 'settle', sure: true };
  if (status === 0 && complete) return { next: 'settle', sure: false };
  if (status === 0) return { next: 'again', wait: true, failure: new Failure('connection') };
  const values = { code: code || `HTTP ${status}`, message };
  if (status === 409 && code === 'FileAlreadyExists') return { next: 'settle', sure: true };
  if (code === 'AccessDenied' && /expired/i.test(message)) {
    return { next: 'again', wait: false, failure: new Failure('expired', values) };
  }
  if (status >= 500 || status === 429 || code === 'RequestTimeout') {
    return { next: 'again', wait: true, failure: new Failure('oss', values) };
  }
  return { next: 'fail', failure: new Failure(Object.hasOwn(REASONS, code) ? REASONS[code] : 'oss', values) };
}
