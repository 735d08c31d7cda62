// MD5 (RFC 1321) of bytes that come piece by piece.

const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
const SINES = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0);
const BLOCK = 64;

export class Md5 {
  #state = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
  #words = new Int32Array(16);
  #tail = new Uint8Array(BLOCK);
  #tailLength = 0;
  #length;

  /**
   * `length`: how many bytes are counted before the first; only tests of the counter give one, a multiple of
   * 64.
   */
  constructor(length = 0) {
    this.#length = length;
  }

  update(bytes) {
    this.#length += bytes.length;
    let start = 0;
    if (this.#tailLength > 0) {
      start = Math.min(BLOCK - this.#tailLength, bytes.length);
      this.#tail.set(bytes.subarray(0, start), this.#tailLength);
      this.#tailLength += start;
      if (this.#tailLength < BLOCK) return this;
      this.#block(this.#tail, 0);
      this.#tailLength = 0;
    }
    for (; start + BLOCK <= bytes.length; start += BLOCK) this.#block(bytes, start);
    this.#tail.set(bytes.subarray(start));
    this.#tailLength = bytes.length - start;
    return this;
  }

  /** The digest as 32 lower-case hexadecimal digits. Nothing can be added afterwards. */
  hex() {
    const padding = new Uint8Array((this.#tailLength < 56 ? 64 : 128) - this.#tailLength);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    // The length counts bits in 64 bits, more than `<<` can do: exact while the bytes are below 2^53.
    view.setUint32(padding.length - 8, (this.#length % 2 ** 29) * 8, true);
    view.setUint32(padding.length - 4, Math.floor(this.#length / 2 ** 29), true);
    this.update(padding);
    const digest = new DataView(new ArrayBuffer(16));
    this.#state.forEach((word, i) => digest.setInt32(i * 4, word, true));
    return Array.from(new Uint8Array(digest.buffer), byte => byte.toString(16).padStart(2, '0')).join('');
  }

  #block(bytes, start) {
    const words = this.#words;
    for (let i = 0, at = start; i < 16; i += 1, at += 4) {
      words[i] = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    }
    const state = this.#state;
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let d = state[3];
    for (let i = 0; i < 64; i += 1) {
      const round = i >> 4;
      let mixed;
      let word;
      if (round === 0) {
        mixed = d ^ (b & (c ^ d));
        word = i;
      } else if (round === 1) {
        mixed = c ^ (d & (b ^ c));
        word = (5 * i + 1) & 15;
      } else if (round === 2) {
        mixed = b ^ c ^ d;
        word = (3 * i + 5) & 15;
      } else {
        mixed = c ^ (b | ~d);
        word = (7 * i) & 15;
      }
      const sum = (a + mixed + SINES[i] + words[word]) | 0;
      const shift = SHIFTS[(round << 2) | (i & 3)];
      a = d;
      d = c;
      c = b;
      b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
  }
}
