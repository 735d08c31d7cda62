// One request to OSS that carries a file or a part of one.

import { readError } from './oss-error.js';

// Longer than OSS waits for the desk (5 s), or a slow line between two reports of progress.
const STALL = 60_000;

/**
 * Resolves with {status, code, message, complete, etag} as verdict.js takes it, rejects only when `signal` is
 * aborted. `onProgress` is told bytes of the content, which is `size` of the body. XMLHttpRequest, because
 * `fetch` does not tell the progress of what it sends.
 */
export function exchange({ method, url, headers = [], body, size }, { signal, onProgress, stall = STALL }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let complete = false;
    let timer;
    const live = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), stall);
    };
    const cancel = () => {
      reject(signal.reason);
      request.abort();
    };
    request.upload.onprogress = ({ loaded, total }) => {
      live();
      onProgress(Math.max(0, size - (total - loaded)));
    };
    request.upload.onload = () => {
      live();
      complete = true;
      onProgress(size);
    };
    request.onloadend = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
      const { status, responseText } = request;
      const etag = method === 'PUT' && status > 0 ? request.getResponseHeader('etag') : null;
      resolve({ status, complete, etag, ...(status >= 300 ? readError(responseText) : {}) });
    };
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener('abort', cancel);
    request.open(method, url);
    for (const [name, value] of headers) request.setRequestHeader(name, value);
    live();
    request.send(body);
  });
}
