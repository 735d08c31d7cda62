// The page's side of md5-worker.js: one worker for all files.

import { Failure } from './failure.js';

let worker;
let last = 0;
const waiting = new Map();

function start() {
  worker = new Worker(new URL('md5-worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }) => waiting.get(data.id)?.(data);
  // Without a worker there is no MD5: the desk can do without.
  worker.onerror = () => {
    for (const tell of waiting.values()) tell({ hex: undefined });
    worker = undefined;
  };
}

/**
 * The MD5 of `file` in hexadecimal; undefined if this browser cannot compute it. `onProgress` is told bytes.
 */
export function md5Of(file, { signal, onProgress }) {
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
      else finish(resolve, answer.hex);
    });
    if (signal.aborted) return cancel();
    signal.addEventListener('abort', cancel);
    worker.postMessage({ id, file });
  });
}
