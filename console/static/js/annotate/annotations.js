// The annotations that the page shows: those of the console, with the edits that it has not confirmed, and undo.
//
// Events: "change" (what is shown), "confirmed" (before, after), "stale" (others changed what is not shown).

import { contentOf, isSameContent, shownWith } from "./edits.js";
import { randomName } from "./kept-edits.js";
import { withStep } from "./undo.js";

/** @typedef {import("./api.js").Annotation} Annotation */
/** @typedef {import("./api.js").Content} Content */
/** @typedef {import("./edits.js").Shown} Shown */
/** @typedef {{ changed: Annotation[], deleted: number[] }} LiveAnnotations */

export class Annotations extends EventTarget {
  /** @type {Shown[]} */
  shown = [];
  channel = "";
  /** @type {Map<string, Annotation>} */
  confirmed = new Map();
  /** @type {Map<number, string>} */
  #keys = new Map();
  /** @type {import("./undo.js").Step[]} */
  #steps = [];
  #period = [0, 0];
  #loads = 0;

  /**
   * @param {import("./api.js").AnnotationApi} api
   * @param {import("./outbox.js").Outbox} outbox
   */
  constructor(api, outbox) {
    super();
    this.api = api;
    this.outbox = outbox;
    outbox.addEventListener("change", () => this.#show());
    outbox.addEventListener("confirmed", (event) => {
      const { key, annotation } = /** @type {CustomEvent} */ (event).detail;
      this.#confirm(key, annotation);
    });
  }

  /**
   * Show the annotations of a period.
   * @param {string} channel
   * @param {number} fromMs
   * @param {number} toMs
   */
  async load(channel, fromMs, toMs) {
    const number = ++this.#loads;
    if (channel !== this.channel) {
      this.channel = channel;
      this.confirmed = new Map();
      this.#steps = [];
    }
    this.#period = [fromMs, toMs];
    const found = await this.api.list(channel, fromMs, toMs);
    if (number !== this.#loads) return;
    this.confirmed = new Map(found.map((one) => [this.#keyOf(one.id), one]));
    this.#show();
  }

  /** Ask the console for all of them again. */
  async reload() {
    const [fromMs, toMs] = this.#period;
    if (this.channel && toMs > fromMs) await this.load(this.channel, fromMs, toMs);
  }

  /**
   * @param {string} key
   * @returns {Shown | null}
   */
  byKey(key) {
    return this.shown.find((one) => one.key === key) ?? null;
  }

  /**
   * @param {Content} content
   * @returns {string} its key
   */
  create(content) {
    const key = randomName();
    this.#edit(key, null, content);
    return key;
  }

  /**
   * @param {string} key
   * @param {Partial<Content>} changes
   */
  change(key, changes) {
    const before = this.byKey(key);
    if (!before) return;
    const after = { ...contentOf(before), ...changes };
    if (!isSameContent(before, after)) this.#edit(key, contentOf(before), after);
  }

  /** @param {string} key */
  remove(key) {
    const before = this.byKey(key);
    if (before) this.#edit(key, contentOf(before), null);
  }

  /**
   * Take the last edit back.
   * @returns {string | null} the key of what it was; null if there was none
   */
  undo() {
    const step = this.#steps.at(-1);
    if (!step) return null;
    this.#steps = this.#steps.slice(0, -1);
    const present = this.byKey(step.key);
    if (step.before || present) this.#send(step.key, present, step.before);
    return step.key;
  }

  /**
   * What somebody has changed, perhaps on this page.
   * @param {LiveAnnotations} live
   */
  onLive({ changed, deleted }) {
    for (const one of changed) if (!this.#isOwn(one)) this.#take(one);
    for (const id of deleted) {
      const key = this.#keyOf(id);
      if (this.confirmed.get(key)?.id === id) this.confirmed.delete(key);
    }
    this.#emit("stale", null);
    this.#show();
  }

  /**
   * Whether it was made here, and its confirmation is on the way.
   * @param {Annotation} one
   */
  #isOwn(one) {
    const isKnown = this.#keys.has(one.id);
    return !isKnown && this.outbox.edits.some(({ kind, content }) => kind === "create" && isSameContent(content, one));
  }

  /** @param {Annotation} one */
  #take(one) {
    const known = this.confirmed.get(this.#keyOf(one.id));
    const [fromMs, toMs] = this.#period;
    const isNear = Date.parse(one.end) >= fromMs && Date.parse(one.start) <= toMs;
    const isNew = known ? one.version > known.version : one.channel === this.channel && isNear;
    if (isNew) this.confirmed.set(this.#keyOf(one.id), one);
  }

  /**
   * @param {string} key
   * @param {Content | null} before
   * @param {Content | null} after
   */
  #edit(key, before, after) {
    this.#steps = withStep(this.#steps, { key, before, after, timeMs: Date.now() });
    this.#send(key, before, after);
  }

  /**
   * @param {string} key
   * @param {Content | null} before
   * @param {Content | null} after
   */
  #send(key, before, after) {
    const content = after ?? before;
    if (!content) return;
    const { id = null, version = 0 } = this.confirmed.get(key) ?? {};
    const kind = after === null ? "delete" : before === null ? "create" : "change";
    this.outbox.add({ kind, key, channel: this.channel, id, version, content: contentOf(content), isSent: false });
  }

  /**
   * @param {string} key
   * @param {Annotation | null} annotation
   */
  #confirm(key, annotation) {
    const before = this.confirmed.get(key) ?? null;
    if (annotation) {
      this.confirmed.delete(String(annotation.id));
      this.#keys.set(annotation.id, key);
    }
    if (annotation?.channel === this.channel) this.confirmed.set(key, annotation);
    else this.confirmed.delete(key);
    this.#emit("confirmed", { before, after: annotation });
    this.#show();
  }

  /** @param {number} id */
  #keyOf(id) {
    return this.#keys.get(id) ?? String(id);
  }

  #show() {
    this.shown = shownWith(this.confirmed, this.outbox.edits, this.channel);
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
