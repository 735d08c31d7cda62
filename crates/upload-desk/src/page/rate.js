// How fast a file goes.

const MEMORY = 5000;

/** Bytes per second over the last five seconds or so. */
export class Rate {
  #samples = [];

  add(bytes, now) {
    // Fewer bytes than before: a new try.
    if (bytes < (this.#samples.at(-1)?.bytes ?? 0)) this.#samples = [];
    this.#samples.push({ bytes, now });
    while (this.#samples.length > 2 && now - this.#samples[0].now > MEMORY) this.#samples.shift();
  }

  /** Undefined until there is something to tell. */
  get bytesPerSecond() {
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    return last && last.now > first.now
      ? ((last.bytes - first.bytes) * 1000) / (last.now - first.now)
      : undefined;
  }
}
