// The way of one file: MD5, form, OSS, certainty.

import { delay } from './backoff.js';
import { Failure } from './failure.js';
import { inParts } from './multipart.js';
import { readable } from './part-sender.js';
import { failureOf } from './patiently.js';
import { settle } from './settle.js';
import { judge } from './verdict.js';

const TRIES = 3;
const HASH_LIMIT = 256 * 1024 * 1024;
// How often the bucket is looked at: for an object that is there, that may be there, that hardly is.
const LOOKS = { sure: 6, possible: 4, unlikely: 1 };

/**
 * Brings `entry` to its end: {state: 'done' | 'duplicate', object} or {state: 'interrupted'} for want of the
 * file. Throws a `Failure`, an `ApiError` 401, or what `signal` was aborted with. `update(changes)` is told
 * each change of the entry. `tools`: {api, md5Of, digestsOf, postForm, putPart, pause, multipartAbove}: larger
 * files are sent in parts.
 */
export async function transfer(entry, { update, signal, tools }) {
  const trouble = on => Boolean(entry.trouble) === on || update({ trouble: on });
  const context = { ...tools, signal, trouble };
  trouble(false);
  if (entry.id) {
    update({ state: entry.complete ? 'settling' : 'checking' });
    const stored = await settle(entry.id, entry.complete ? LOOKS.possible : LOOKS.unlikely, context);
    if (stored) return { state: 'done', object: stored.object };
  }
  if (!entry.file) return { state: 'interrupted' };
  if (entry.file.size > (tools.multipartAbove ?? Infinity)) return inParts(entry, update, context);
  if (!entry.md5 && entry.file.size <= HASH_LIMIT) await hash(entry, update, context);
  for (let attempt = 1; ; attempt += 1) {
    const { end, again } = await tryOnce(entry, update, context);
    if (end) return end;
    if (attempt >= TRIES) throw Object.assign(again.failure, { again: true });
    if (again.wait) {
      trouble(true);
      await tools.pause(delay(attempt), signal);
      trouble(false);
    }
  }
}

async function hash(entry, update, { md5Of, signal }) {
  update({ state: 'hashing', sent: 0 });
  update({ md5: await md5Of(entry.file, { signal, onProgress: sent => update({ sent }) }) });
}

async function tryOnce(entry, update, context) {
  update({ state: 'asking', sent: 0, complete: false });
  const { order, again } = await ask(entry, context);
  if (again) return { again };
  if (order.duplicate) return { end: { state: 'duplicate', object: order.object } };
  update({ id: order.id, state: 'sending' });
  const { signal } = context;
  const answer = await context.postForm(order.upload, entry.file, {
    signal,
    onProgress: sent => update({ sent }),
  });
  const verdict = judge(answer);
  if (verdict.next === 'settle') return arrived(entry, verdict.sure, update, context);
  // A file that changed or went away breaks the connection like a bad line does.
  if (answer.status === 0) await readable(entry.file);
  if (verdict.next === 'fail') throw verdict.failure;
  return { again: verdict };
}

async function ask({ file, md5 }, { api, signal }) {
  const order = { name: file.name, size: file.size, type: file.type || 'application/octet-stream', md5 };
  try {
    return { order: await api.createUpload(order, signal) };
  } catch (error) {
    if (error.passing) return { again: { wait: true, failure: failureOf(error) } };
    throw error.status && error.status !== 401 ? failureOf(error) : error;
  }
}

async function arrived(entry, sure, update, context) {
  update({ state: 'settling', complete: true });
  const stored = await settle(entry.id, sure ? LOOKS.sure : LOOKS.possible, context);
  if (stored) return { end: { state: 'done', object: stored.object } };
  if (sure) throw Object.assign(new Failure('unsettled'), { again: true });
  return { again: { wait: false, failure: new Failure('connection') } };
}
