// The desk's HTTP API.

const TIMEOUT = 30_000;

/** `status` is 0 if there was no answer. `code` and `message` are the desk's. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
  }

  /** Whether the same request may succeed later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export class Api {
  #token;
  #onUnauthorized;
  #fetch;
  #skew = 0;

  /** `token()` gives the token of the moment; `onUnauthorized()` is told when it is refused. */
  constructor({ token, onUnauthorized, fetch = globalThis.fetch.bind(globalThis) }) {
    this.#token = token;
    this.#onUnauthorized = onUnauthorized;
    this.#fetch = fetch;
  }

  /** The desk's time in milliseconds, which its dates refer to: the clock here may be wrong. */
  now() {
    return Date.now() + this.#skew;
  }

  /** Who `token` belongs to. A refusal is the caller's matter. */
  me(token) {
    return this.#send('GET', 'me', token);
  }

  createUpload(order, signal) {
    return this.#call('POST', 'uploads', { body: order, signal });
  }

  /** The uploads in parts that are under way, as {uploads}. */
  uploads(signal) {
    return this.#call('GET', 'uploads/multipart', { signal });
  }

  beginUpload(order, signal) {
    return this.#call('POST', 'uploads/multipart', { body: order, signal });
  }

  parts(id, signal) {
    return this.#call('GET', `uploads/${encodeURIComponent(id)}/parts`, { signal });
  }

  signParts(id, parts, signal) {
    return this.#call('POST', `uploads/${encodeURIComponent(id)}/parts`, { body: { parts }, signal });
  }

  completeUpload(id, crc64, signal) {
    return this.#call('POST', `uploads/${encodeURIComponent(id)}/complete`, { body: { crc64 }, signal });
  }

  abortUpload(id) {
    return this.#call('DELETE', `uploads/${encodeURIComponent(id)}`);
  }

  upload(id, signal) {
    return this.#call('GET', `uploads/${encodeURIComponent(id)}`, { signal });
  }

  check(id, signal) {
    return this.#call('POST', `uploads/${encodeURIComponent(id)}/check`, { signal });
  }

  fromUrl(url, signal) {
    return this.#call('POST', 'uploads/from-url', { body: { url }, signal });
  }

  objects({ after, name, limit }, signal) {
    const query = new URLSearchParams({ limit });
    if (after) query.set('after', after);
    if (name) query.set('name', name);
    return this.#call('GET', `objects?${query}`, { signal });
  }

  object(id) {
    return this.#call('GET', `objects/${encodeURIComponent(id)}`);
  }

  remove(id) {
    return this.#call('DELETE', `objects/${encodeURIComponent(id)}`);
  }

  async #call(method, path, options) {
    const token = this.#token();
    try {
      return await this.#send(method, path, token, options);
    } catch (error) {
      // Refused meanwhile replaced: the answer says nothing about the token of now.
      if (error.status === 401 && token === this.#token()) this.#onUnauthorized();
      throw error;
    }
  }

  async #send(method, path, token, { body, signal } = {}) {
    const timeout = AbortSignal.timeout(TIMEOUT);
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
    if (body) headers['content-type'] = 'application/json';
    let response;
    let text;
    try {
      response = await this.#fetch(path, {
        method,
        headers,
        body: body && JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        cache: 'no-store',
        credentials: 'omit',
        redirect: 'error',
      });
      text = await response.text();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw new ApiError(0, 'Unreachable', error.message);
    }
    const date = Date.parse(response.headers.get('date'));
    if (!Number.isNaN(date)) this.#skew = date - Date.now();
    return answerOf(response, text);
  }
}

function answerOf(response, text) {
  let document;
  try {
    document = text ? JSON.parse(text) : null;
  } catch {
    // A proxy's error page, for example.
  }
  if (!response.ok) {
    const { code = `HTTP ${response.status}`, message = response.statusText } = document?.error ?? {};
    throw new ApiError(response.status, code, message);
  }
  if (document === undefined) throw new ApiError(0, 'Unreadable', 'the answer is not JSON');
  return document;
}
