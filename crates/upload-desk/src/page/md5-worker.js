// Computes digests of files off the page's thread. Asked {id, file, crc64}, it answers {id, done} on the way,
// then {id, md5, crc64} or {id, unreadable}. Asked {id, cancel: true}, it stops and says no more.

import { digest } from './digest.js';

const cancelled = new Set();

async function answer(id, file, crc64) {
  const onProgress = done => {
    if (cancelled.has(id)) return false;
    postMessage({ id, done });
    return true;
  };
  const digests = await digest(file, { crc64, onProgress });
  if (!cancelled.delete(id)) postMessage({ id, ...digests });
}

onmessage = ({ data: { id, file, crc64, cancel } }) => {
  if (cancel) cancelled.add(id);
  else answer(id, file, crc64).catch(error => postMessage({ id, unreadable: error.message }));
};
