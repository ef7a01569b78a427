// Sends edits to the console, one after the other, again and again until it has them.
//
// Events: "change" (what waits), "confirmed" (key, annotation, which is null if it is gone) and "refused" (message).

import { RefusedError, UnreachableError } from "./api.js";
import { afterFirst, isSameContent, withEdit } from "./edits.js";

/** @typedef {import("./edits.js").Edit} Edit */
/** @typedef {import("./api.js").Annotation} Annotation */
/** @typedef {{ key: string, mine: Edit, current: Annotation | null }} Conflict */

const QUIET_MS = 400;
const FIRST_RETRY_MS = 2_000;
const LAST_RETRY_MS = 30_000;

export class Outbox extends EventTarget {
  /** @type {Edit[]} */
  edits = [];
  /** @type {Conflict[]} */
  conflicts = [];
  /** Why nothing can be sent; empty while it can. */
  fault = "";
  #isSending = false;
  #changedMs = 0;
  #retryMs = FIRST_RETRY_MS;
  #timer = 0;

  /**
   * @param {import("./api.js").AnnotationApi} api
   * @param {import("./kept-edits.js").KeptEdits} kept
   * @param {string} user
   */
  constructor(api, kept, user) {
    super();
    this.api = api;
    this.kept = kept;
    this.user = user;
    window.addEventListener("online", () => this.send());
  }

  /** Send also what pages have left behind that are closed. */
  adopt() {
    const { edits, conflicts } = this.kept.adopt();
    if (!edits.length && !conflicts.length) return;
    this.edits = [...edits, ...this.edits];
    this.conflicts = [...this.conflicts, ...conflicts];
    this.#changed();
    this.send();
  }

  /** @param {Edit} edit */
  add(edit) {
    this.edits = withEdit(this.edits, edit);
    this.#changedMs = Date.now();
    this.#changed();
    if (!this.fault) this.send();
  }

  /** Send what waits, now. */
  send() {
    window.clearTimeout(this.#timer);
    if (!this.#isSending) void this.#sendAll();
  }

  /**
   * Decide a conflict: the own edit is made on top of the present state, or dropped.
   * @param {Conflict} conflict
   * @param {boolean} isMine
   */
  resolve(conflict, isMine) {
    this.conflicts = this.conflicts.filter((one) => one !== conflict);
    const { mine, current, key } = conflict;
    if (!isMine) this.#changed();
    else if (current) this.add({ ...mine, key, id: current.id, version: current.version, isSent: false });
    else this.add({ ...mine, kind: "create", key, id: null, version: 0, isSent: false });
  }

  async #sendAll() {
    this.#isSending = true;
    try {
      while (this.edits.length) {
        await this.#quiet();
        if (!(await this.#sendFirst())) break;
      }
    } finally {
      this.#isSending = false;
    }
  }

  /** Wait until a change is complete: the arrow keys make many of them. */
  async #quiet() {
    for (;;) {
      const waitMs = this.edits[0]?.kind === "change" ? this.#changedMs + QUIET_MS - Date.now() : 0;
      if (waitMs <= 0) return;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  /** @returns {Promise<boolean>} whether the next can be sent */
  async #sendFirst() {
    const [edit] = this.edits;
    if (!edit) return true; // it was deleted meanwhile
    const mayBeThere = edit.isSent;
    this.edits = this.edits.with(0, { ...edit, isSent: true });
    this.kept.save(this);
    try {
      const annotation = (mayBeThere && (await this.#twinOf(edit))) || (await this.#request(edit));
      this.#confirm(annotation ?? null);
    } catch (error) {
      if (error instanceof UnreachableError) return this.#retryLater(error.message);
      if (!(error instanceof RefusedError)) throw error;
      if (error.status === 401 || error.status === 403) return this.#retryLater(error.message);
      this.#onRefused(edit, error);
    }
    this.fault = "";
    this.#retryMs = FIRST_RETRY_MS;
    this.#changed();
    return true;
  }

  /** @param {Edit} edit */
  #request({ kind, id, version, channel, content }) {
    if (kind === "create" || id === null) return this.api.create(channel, content);
    return kind === "change" ? this.api.change(id, version, content) : this.api.remove(id, version);
  }

  /**
   * The annotation that a lost request has made.
   * @param {Edit} edit
   */
  async #twinOf({ kind, channel, content }) {
    if (kind !== "create") return undefined;
    const found = await this.api.list(channel, Date.parse(content.start) - 1, Date.parse(content.end) + 1);
    return found.find((one) => one.author === this.user && isSameContent(one, content));
  }

  /** @param {Annotation | null} annotation */
  #confirm(annotation) {
    const [{ key }] = this.edits;
    this.edits = afterFirst(this.edits, annotation);
    this.#emit("confirmed", { key, annotation });
  }

  /**
   * @param {Edit} edit
   * @param {RefusedError} error
   */
  #onRefused(edit, { status, message, current }) {
    const { key, kind, content } = edit;
    const isGone = status === 404 || (status === 409 && current === null);
    if (isGone && kind === "delete") return this.#confirm(null);
    if (current && kind === "change" && isSameContent(current, content)) return this.#confirm(current);
    const mine = this.edits.findLast((one) => one.key === key) ?? edit;
    this.edits = this.edits.filter((one) => one.key !== key);
    if (isGone || status === 409) {
      this.conflicts = [...this.conflicts.filter((one) => one.key !== key), { key, mine, current }];
      this.#emit("confirmed", { key, annotation: current });
    } else {
      this.#emit("refused", { message });
    }
  }

  /**
   * @param {string} fault
   * @returns {false}
   */
  #retryLater(fault) {
    this.fault = fault;
    this.#changed();
    this.#timer = window.setTimeout(() => this.send(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
    return false;
  }

  #changed() {
    this.kept.save(this);
    this.#emit("change", null);
  }

  /**
   * @param {string} name
   * @param {object | null} detail
   */
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
