// The way of a large file: parts, each with its digests, three at once; what is stored already is not sent
// again, in whatever tab or page it was sent.
//
// States: asking → comparing (with what is stored) → sending → settling → done. The desk's states of the
// upload: uploading → completing → stored.

import { delay } from './backoff.js';
import { Failure } from './failure.js';
import { Parts, isStored } from './parts.js';
import { sendPart } from './part-sender.js';
import { patiently } from './patiently.js';
import { putTogether } from './settle.js';

const LANES = 3;
// How often parts are sent again because the upload is gone, or its parts are not the file.
const ROUNDS = 3;

/**
 * Brings `entry` to its end: {state: 'done' | 'duplicate', object}. Throws as `transfer` does; what was
 * stored stays for the next try. `context`: the tools of `transfer`, and `signal`.
 */
export async function inParts(entry, update, context) {
  update({ parts: true });
  for (let round = 1; ; round += 1) {
    update({ state: 'asking' });
    const upload = await open(entry, context);
    if (upload.duplicate) return { state: 'duplicate', object: upload.object };
    update({ id: upload.id });
    try {
      const stored = await complete(entry, upload, update, context);
      return { state: 'done', object: stored.object };
    } catch (error) {
      if (!(error instanceof Failure && ['gone', 'damaged'].includes(error.reason))) throw error;
      if (round >= ROUNDS) throw Object.assign(error, { again: true });
      if (error.reason === 'gone') update({ id: undefined });
      await context.pause(delay(round), context.signal);
    }
  }
}

// The upload that this entry had, one of the same file that another page left, or a new one.
async function open({ id, file }, context) {
  const { api, signal } = context;
  const own = id && (await patiently(() => api.upload(id, signal).catch(absent), context));
  if (own?.multipart) return own;
  if (!id) {
    const { uploads } = await patiently(() => api.uploads(signal), context);
    for (const upload of uploads.filter(({ name, size }) => name === file.name && size === file.size)) {
      if (await isOf(upload, file, context)) return upload;
    }
  }
  const order = { name: file.name, size: file.size, type: file.type || 'application/octet-stream' };
  return patiently(() => api.beginUpload(order, signal), context);
}

const absent = error => {
  if (error.status === 404) return undefined;
  throw error;
};

// By the last part that is stored: most files that share name and size differ there too, and the checksum of
// the whole decides in the end.
async function isOf({ id, multipart }, file, context) {
  const stored = await storedParts(id, context).catch(error => {
    if (error.reason === 'gone') return [];
    throw error;
  });
  const last = stored.at(-1);
  if (!last) return false;
  const content = new Parts(file, multipart).content(last.number);
  return isStored(last, content, await context.digestsOf(content, context));
}

async function complete(entry, upload, update, context) {
  const { api, signal } = context;
  const parts = new Parts(entry.file, upload.multipart);
  if (upload.state !== 'completing') {
    await compare(parts, await storedParts(upload.id, context), update, context);
    update({ state: 'sending', sent: parts.sent });
    await send(parts, upload.id, update, context);
    update({ state: 'settling', complete: true, sent: entry.file.size });
    await patiently(() => api.completeUpload(upload.id, parts.crc64, signal), context);
  } else update({ state: 'settling', complete: true });
  return putTogether(upload.id, context);
}

async function storedParts(id, context) {
  const { parts } = await patiently(() => context.api.parts(id, context.signal), context);
  return parts;
}

async function compare(parts, stored, update, context) {
  let compared = 0;
  for (const part of stored.filter(({ number }) => number <= parts.count)) {
    update({ state: 'comparing', sent: compared });
    const content = parts.content(part.number);
    const digests = await context.digestsOf(content, context);
    if (isStored(part, content, digests)) parts.note(part.number, content.size, digests.crc64);
    compared += content.size;
  }
}

async function send(parts, id, update, context) {
  const waiting = parts.missing;
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const lane = async () => {
    for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
      const onProgress = bytes => {
        parts.note(number, bytes);
        update({ sent: parts.sent });
      };
      const content = parts.content(number);
      const crc64 = await sendPart({ id, number, content }, { ...context, signal, onProgress });
      parts.note(number, content.size, crc64);
    }
  };
  try {
    await Promise.all(Array.from({ length: LANES }, lane));
  } finally {
    // The first lane that fails ends the others.
    stop.abort(new Failure('connection'));
  }
}
