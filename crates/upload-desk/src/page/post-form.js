// Sends a file to OSS by the form the desk has signed.

import { readError } from './oss-error.js';

// Longer than OSS waits for the desk (5 s), or a slow line between two reports of progress.
const STALL = 60_000;

/**
 * Resolves with {status, code, message, complete} as verdict.js takes it, rejects only when `signal` is
 * aborted. `onProgress` is told bytes of the file. XMLHttpRequest, because `fetch` does not tell the progress
 * of what it sends.
 */
export function postForm({ url, fields }, file, { signal, onProgress, stall = STALL }) {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  // The key is signed, so the name says nothing here, and not every name is safe in a header.
  form.append('file', file, 'file');
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
      onProgress(Math.max(0, file.size - (total - loaded)));
    };
    request.upload.onload = () => {
      live();
      complete = true;
      onProgress(file.size);
    };
    request.onloadend = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', cancel);
      const { status, responseText } = request;
      resolve({ status, complete, ...(status >= 300 ? readError(responseText) : {}) });
    };
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener('abort', cancel);
    request.open('POST', url);
    live();
    request.send(form);
  });
}
