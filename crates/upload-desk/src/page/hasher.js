// The page's side of md5-worker.js: one worker for all files.

import { Failure } from './failure.js';

let worker;
let last = 0;
const waiting = new Map();

function start() {
  worker = new Worker(new URL('md5-worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }) => waiting.get(data.id)?.(data);
  worker.onerror = () => {
    for (const tell of waiting.values()) tell({ broken: true });
    worker = undefined;
  };
}

// Undefined where there are no workers.
function ask(file, { crc64, signal, onProgress }) {
  if (!worker) start();
  const id = (last += 1);
  return new Promise((resolve, reject) => {
    const cancel = () => {
      worker?.postMessage({ id, cancel: true });
      finish(reject, signal.reason);
    };
    const finish = (settle, value) => {
      waiting.delete(id);
      signal.removeEventListener('abort', cancel);
      settle(value);
    };
    waiting.set(id, answer => {
      if ('done' in answer) onProgress(answer.done);
      else if ('unreadable' in answer)
        finish(reject, new Failure('unreadable', { message: answer.unreadable }));
      else finish(resolve, answer.broken ? undefined : answer);
    });
    if (signal.aborted) return cancel();
    signal.addEventListener('abort', cancel);
    worker.postMessage({ id, file, crc64 });
  });
}

/**
 * The MD5 of `file` in hexadecimal; undefined if this browser has no workers: the desk can do without.
 * `onProgress` is told bytes.
 */
export const md5Of = async (file, options) => (await ask(file, { ...options, crc64: false }))?.md5;

/** {md5, crc64} of a part of a file, by a worker or, where there are none, here: they are needed. */
export async function digestsOf(blob, { signal }) {
  const onProgress = () => !signal.aborted;
  const answer = await ask(blob, { crc64: true, signal, onProgress });
  if (answer) return answer;
  const { digest } = await import('./digest.js');
  try {
    const digests = await digest(blob, { crc64: true, onProgress });
    if (digests) return digests;
  } catch (error) {
    throw new Failure('unreadable', { message: error.message });
  }
  throw signal.reason;
}
