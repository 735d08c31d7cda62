// A file as parts: which there are, which of them are stored, and what all of them add up to.

import { combine } from './crc64.js';

export class Parts {
  #file;
  #size;
  #crcs = new Map();
  #sent = new Map();

  constructor(file, { part_size: size, parts: count }) {
    this.#file = file;
    this.#size = size;
    this.count = count;
  }

  get numbers() {
    return Array.from({ length: this.count }, (_, index) => index + 1);
  }

  content(number) {
    return this.#file.slice((number - 1) * this.#size, number * this.#size);
  }

  /** Notes that `bytes` of a part are stored or on their way, and its checksum once it is stored. */
  note(number, bytes, crc64) {
    this.#sent.set(number, bytes);
    if (crc64 !== undefined) this.#crcs.set(number, BigInt(crc64));
  }

  get missing() {
    return this.numbers.filter(number => !this.#crcs.has(number));
  }

  /** Bytes that are stored or on their way. */
  get sent() {
    return [...this.#sent.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** The checksum of the whole file, decimal, when no part is missing. */
  get crc64() {
    const whole = this.numbers.reduce(
      (crc64, number) => combine(crc64, this.#crcs.get(number), this.content(number).size),
      0n,
    );
    return whole.toString();
  }
}

/** Whether what OSS says of a part is what `digests` say of the file. */
export function isStored({ size, etag, crc64 }, content, digests) {
  if (size !== content.size) return false;
  return crc64 == null ? etag.toLowerCase() === digests.md5 : crc64 === digests.crc64;
}
