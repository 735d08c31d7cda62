// Digests of a file or a part of one.

import { Crc64 } from './crc64.js';
import { Md5 } from './md5.js';

const PIECE = 4 * 1024 * 1024;

/**
 * {md5 (hexadecimal), crc64 (decimal, if `crc64` is wanted)} of `blob`. `onProgress` is told bytes and gives
 * false to stop, which makes the answer undefined.
 */
export async function digest(blob, { crc64 = false, onProgress }) {
  const [md5, crc] = [new Md5(), crc64 ? new Crc64() : undefined];
  for (let done = 0; done < blob.size; done += PIECE) {
    const piece = new Uint8Array(await blob.slice(done, done + PIECE).arrayBuffer());
    if (onProgress(Math.min(done, blob.size)) === false) return undefined;
    md5.update(piece);
    crc?.update(piece);
    onProgress(Math.min(done + PIECE, blob.size));
  }
  return { md5: md5.hex(), crc64: crc?.value.toString() };
}
