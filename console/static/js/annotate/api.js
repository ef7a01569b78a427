// The REST API, as far as annotating needs it.

/**
 * @typedef {object} Annotation As the console knows it.
 * @property {number} id
 * @property {string} channel
 * @property {string} start
 * @property {string} end
 * @property {number | null} low_hz
 * @property {number | null} high_hz
 * @property {string} tag
 * @property {string | null} author
 * @property {number} version
 */

/** @typedef {{ start: string, end: string, low_hz: number | null, high_hz: number | null, tag: string }} Content */
/** @typedef {{ day: string, tag: string, annotations: number }} DayCount */
/** @typedef {{ days: DayCount[], tags: { tag: string, annotations: number }[] }} Counts */
/** @typedef {{ day: string, segments: number, recorded_s: number }} RecordedDay */
/** @typedef {{ id: number, start: string, end: string, path: string[], verdict: string | null, peak_probability: number }} Detection */
/** @typedef {{ segment_s: number, is_complete: boolean, items: { start: string, max_amp: number }[] }} Segments */

const PAGE = 1000;

/** The console does not answer; what was sent may have arrived or not. */
export class UnreachableError extends Error {}

/** The console refused a request: `status`, and of a conflict the `current` state of the annotation. */
export class RefusedError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {Annotation | null} current
   */
  constructor(status, message, current) {
    super(message);
    this.status = status;
    this.current = current;
  }
}

export class AnnotationApi {
  /**
   * @param {string} base
   * @param {string} csrf
   */
  constructor(base, csrf) {
    this.base = base;
    this.csrf = csrf;
  }

  /**
   * All annotations of a period.
   * @param {string} channel
   * @param {number} fromMs
   * @param {number} toMs
   * @returns {Promise<Annotation[]>}
   */
  async list(channel, fromMs, toMs) {
    /** @type {Annotation[]} */
    const found = [];
    /** @type {Record<string, string>} */
    const query = { channel, from: iso(fromMs), to: iso(toMs), limit: String(PAGE) };
    for (;;) {
      const { items, next } = await this.#get("/annotations", query);
      found.push(...items);
      if (next === null) return found;
      query.before = String(next);
    }
  }

  /**
   * @param {string} channel
   * @param {Content} content
   * @returns {Promise<Annotation>}
   */
  create(channel, content) {
    return this.#send("POST", "/annotations", { channel, ...content });
  }

  /**
   * @param {number} id
   * @param {number} version that is changed
   * @param {Partial<Content>} changes
   * @returns {Promise<Annotation>}
   */
  change(id, version, changes) {
    return this.#send("PATCH", `/annotations/${id}`, { version, ...changes });
  }

  /**
   * @param {number} id
   * @param {number} version
   * @returns {Promise<void>}
   */
  remove(id, version) {
    return this.#send("DELETE", `/annotations/${id}?version=${version}`);
  }

  /**
   * @param {string} channel
   * @returns {Promise<Counts>}
   */
  counts(channel) {
    return this.#get("/annotations/counts", { channel });
  }

  /** @returns {Promise<{ name: string, annotations: number }[]>} */
  tags() {
    return this.#get("/tags", {});
  }

  /**
   * The days on which a channel was recorded; none if it never was.
   * @param {string} channel
   * @returns {Promise<RecordedDay[]>}
   */
  async days(channel) {
    try {
      return await this.#get("/segments/days", { channel });
    } catch (error) {
      if (error instanceof RefusedError && error.status === 404) return [];
      throw error;
    }
  }

  /**
   * @param {string} channel
   * @param {string} day
   * @returns {Promise<Segments>}
   */
  segments(channel, day) {
    return this.#get("/segments", { channel, day });
  }

  /**
   * The detections that reach into a period.
   * @param {string} channel
   * @param {number} fromMs
   * @param {number} toMs
   * @returns {Promise<Detection[]>}
   */
  async detections(channel, fromMs, toMs) {
    const query = { channel, from: iso(fromMs), to: iso(toMs), limit: String(PAGE) };
    return (await this.#get("/detections", query)).detections;
  }

  /**
   * @param {Record<string, string>} query format, channel and origin
   * @param {File} file
   * @returns {Promise<{ added: number, duplicates: number }>}
   */
  import(query, file) {
    const headers = { "Content-Type": "text/plain; charset=utf-8", "X-CSRF-Token": this.csrf };
    return this.#request(`/annotations/import?${new URLSearchParams(query)}`, { method: "POST", headers, body: file });
  }

  /**
   * @param {string} path
   * @param {Record<string, string>} query
   */
  #get(path, query) {
    const parameters = new URLSearchParams(query).toString();
    return this.#request(parameters ? `${path}?${parameters}` : path, {});
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [content]
   */
  #send(method, path, content) {
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": this.csrf };
    return this.#request(path, { method, headers, body: content && JSON.stringify(content) });
  }

  /**
   * @param {string} path
   * @param {RequestInit} options
   * @returns {Promise<any>}
   */
  async #request(path, options) {
    let response;
    try {
      response = await fetch(this.base + path, options);
    } catch (error) {
      throw new UnreachableError("The console does not answer.", { cause: error });
    }
    if (response.status === 204) return undefined;
    const answer = await response.json().catch(() => null);
    if (response.ok && answer !== null) return answer;
    if (answer === null || [429, 502, 503, 504].includes(response.status)) {
      throw new UnreachableError(answer?.error?.message ?? "The console does not answer.");
    }
    const { message = `The console refused it (${response.status}).`, current = null } = answer.error ?? {};
    throw new RefusedError(response.status, message, current ?? answer.current ?? null);
  }
}

/** @param {number} timeMs */
export function iso(timeMs) {
  return new Date(timeMs).toISOString();
}
