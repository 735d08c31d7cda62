// Finds out whether an upload has arrived.

import { ApiError } from './api.js';
import { delay } from './backoff.js';
import { Failure } from './failure.js';

const ENDS = { failed: 'notFetched', deleting: 'deleted', deleted: 'deleted' };

function judged(upload) {
  if (Object.hasOwn(ENDS, upload.state))
    throw new Failure(ENDS[upload.state], { message: upload.note ?? '' });
  return upload.state === 'stored' ? upload : undefined;
}

// A row that is not there, or an answer that did not come, is no more than "not seen".
async function look(ask) {
  try {
    return judged(await ask());
  } catch (error) {
    if (error instanceof ApiError && (error.passing || error.status === 404)) return undefined;
    throw error;
  }
}

/**
 * The stored upload, or undefined if it is not seen within `looks` looks at the bucket, the first at once.
 * The catalogue is asked first: a callback that came has settled everything.
 */
export async function settle(id, looks, { api, pause, signal }) {
  const known = await look(() => api.upload(id, signal));
  if (known) return known;
  for (let count = 1; ; count += 1) {
    const seen = await look(() => api.check(id, signal));
    if (seen || count >= looks) return seen;
    await pause(delay(count), signal);
  }
}

/** The stored upload, when the desk has fetched it. */
export async function fetched(id, { api, pause, signal }) {
  for (let count = 1; ; count += 1) {
    try {
      const upload = judged(await api.upload(id, signal));
      if (upload) return upload;
    } catch (error) {
      if (!(error instanceof ApiError && error.passing)) throw error;
    }
    await pause(delay(count, { base: 500, most: 10_000 }), signal);
  }
}

// Putting a large object together takes minutes at most.
const LOOKS = 60;

/**
 * The stored upload, when the desk has put it together. Throws a `Failure`: `gone` or `damaged` if parts must
 * be sent again.
 */
export async function putTogether(id, { api, pause, signal }) {
  for (let count = 1; count <= LOOKS; count += 1) {
    try {
      const upload = await api.upload(id, signal);
      if (upload.state === 'uploading' || upload.state === 'failed') throw new Failure('damaged');
      if (upload.state === 'missing') throw new Failure('gone');
      const stored = judged(upload);
      if (stored) return stored;
    } catch (error) {
      if (!(error instanceof ApiError && error.passing)) throw error;
    }
    await pause(delay(count, { base: 300, most: 10_000 }), signal);
  }
  throw Object.assign(new Failure('unsettled'), { again: true });
}
