// Computes the MD5 of files off the page's thread. Asked {id, file}, it answers {id, done} on the way, then
// {id, hex} or {id, unreadable}. Asked {id, cancel: true}, it stops and says no more.

import { Md5 } from './md5.js';

const PIECE = 4 * 1024 * 1024;
const cancelled = new Set();

async function hash(id, file) {
  const md5 = new Md5();
  for (let done = 0; done < file.size; done += PIECE) {
    const piece = await file.slice(done, done + PIECE).arrayBuffer();
    if (cancelled.delete(id)) return;
    md5.update(new Uint8Array(piece));
    postMessage({ id, done: Math.min(done + PIECE, file.size) });
  }
  postMessage({ id, hex: md5.hex() });
}

onmessage = ({ data: { id, file, cancel } }) => {
  if (cancel) cancelled.add(id);
  else hash(id, file).catch(error => postMessage({ id, unreadable: error.message }));
};
