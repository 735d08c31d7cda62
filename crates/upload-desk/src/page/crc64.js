// CRC-64/XZ, as OSS computes it. Values are BigInt.

// x^64 + …, reflected: 0xc96c5795d7870f42.
const POLYNOMIAL = 0xc96c5795d7870f42n;
const LOW = 0xffffffffn;
const SLICES = 8;

// Two halves of 32 bits, since BigInt is too slow for each byte. One table for each of the eight bytes that
// are taken at once.
const low = Array.from({ length: SLICES }, () => new Int32Array(256));
const high = Array.from({ length: SLICES }, () => new Int32Array(256));

for (let byte = 0; byte < 256; byte += 1) {
  let value = BigInt(byte);
  for (let bit = 0; bit < 8; bit += 1) value = value & 1n ? (value >> 1n) ^ POLYNOMIAL : value >> 1n;
  low[0][byte] = Number(value & LOW);
  high[0][byte] = Number(value >> 32n);
}
for (let slice = 1; slice < SLICES; slice += 1) {
  for (let byte = 0; byte < 256; byte += 1) {
    const [l, h] = [low[slice - 1][byte], high[slice - 1][byte]];
    low[slice][byte] = ((l >>> 8) | (h << 24)) ^ low[0][l & 255];
    high[slice][byte] = (h >>> 8) ^ high[0][l & 255];
  }
}

/** The checksum of bytes that come piece by piece. */
export class Crc64 {
  #low = -1;
  #high = -1;

  update(bytes) {
    let [l, h] = [this.#low, this.#high];
    const [l0, l1, l2, l3, l4, l5, l6, l7] = low;
    const [h0, h1, h2, h3, h4, h5, h6, h7] = high;
    let at = 0;
    for (; at + SLICES <= bytes.length; at += SLICES) {
      const a = l ^ (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24));
      const b = h ^ (bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24));
      l =
        l7[a & 255] ^ l6[(a >>> 8) & 255] ^ l5[(a >>> 16) & 255] ^ l4[a >>> 24] ^
        l3[b & 255] ^ l2[(b >>> 8) & 255] ^ l1[(b >>> 16) & 255] ^ l0[b >>> 24];
      h =
        h7[a & 255] ^ h6[(a >>> 8) & 255] ^ h5[(a >>> 16) & 255] ^ h4[a >>> 24] ^
        h3[b & 255] ^ h2[(b >>> 8) & 255] ^ h1[(b >>> 16) & 255] ^ h0[b >>> 24];
    }
    for (; at < bytes.length; at += 1) {
      const index = (l ^ bytes[at]) & 255;
      l = ((l >>> 8) | (h << 24)) ^ l0[index];
      h = (h >>> 8) ^ h0[index];
    }
    [this.#low, this.#high] = [l, h];
    return this;
  }

  get value() {
    return (BigInt(~this.#high >>> 0) << 32n) | BigInt(~this.#low >>> 0);
  }
}

// Product of two polynomials modulo that of the checksum; the highest bit is the constant term.
function product(left, right) {
  let sum = 0n;
  for (let bit = 63n; bit >= 0n; bit -= 1n) {
    if ((left >> bit) & 1n) sum ^= right;
    right = right & 1n ? (right >> 1n) ^ POLYNOMIAL : right >> 1n;
  }
  return sum;
}

/** The checksum of two concatenated runs of bytes, from those of both and the length of the second. */
export function combine(first, second, secondLength) {
  let advance = 1n << 63n;
  // x^8: one byte of zeros.
  let power = 1n << 55n;
  for (let left = BigInt(secondLength); left > 0n; left >>= 1n) {
    if (left & 1n) advance = product(advance, power);
    power = product(power, power);
  }
  return product(first, advance) ^ second;
}
