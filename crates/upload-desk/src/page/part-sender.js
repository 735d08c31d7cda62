// The way of one part: digests, a signed URL, OSS, and again if that fails.

import { delay } from './backoff.js';
import { Failure } from './failure.js';
import { patiently } from './patiently.js';
import { judge } from './verdict.js';

const TRIES = 6;

/**
 * Sends `content` as part `number` of the upload `id`, and gives its CRC-64. `context`: the tools of
 * `transfer`, `signal` and `onProgress`, which is told bytes. Throws a `Failure`: `gone` if there is no such
 * upload any more, one that can be tried `again` if the tries run out.
 */
export async function sendPart({ id, number, content }, context) {
  const { api, digestsOf, putPart, pause, signal, trouble, onProgress } = context;
  for (let attempt = 1; ; attempt += 1) {
    // Computed again each time: the file may have changed since.
    const { md5, crc64 } = await digestsOf(content, { signal });
    const { parts } = await patiently(() => api.signParts(id, [{ number, md5 }], signal), context);
    const answer = await putPart(parts[0], content, { signal, onProgress });
    const verdict = verdictOf(answer, md5);
    if (!verdict) return crc64;
    onProgress(0);
    if (answer.status === 0) await readable(content);
    if (verdict.next === 'fail') throw verdict.failure;
    if (attempt >= TRIES) throw Object.assign(verdict.failure, { again: true });
    if (verdict.wait) {
      trouble?.(true);
      await pause(delay(attempt), signal);
    }
  }
}

// Nothing if the part is stored.
function verdictOf(answer, md5) {
  const { status, etag, code } = answer;
  if (code === 'NoSuchUpload') return { next: 'fail', failure: new Failure('gone') };
  const damaged = { next: 'again', wait: true, failure: new Failure('damaged') };
  if (code === 'InvalidDigest') return damaged;
  if (status >= 200 && status < 300) {
    // Not every bucket lets pages read it.
    const told = etag?.replaceAll('"', '').toLowerCase();
    return told && told !== md5 ? damaged : undefined;
  }
  // A part that broke after its last byte may be stored; sent again, it is the same.
  return judge({ ...answer, complete: false });
}

/** Throws a `Failure` if a file, or a part of one, cannot be read: it changed or went away. */
export async function readable(blob) {
  try {
    await blob.slice(0, 1).arrayBuffer();
  } catch (error) {
    throw new Failure('unreadable', { message: error.message });
  }
}
