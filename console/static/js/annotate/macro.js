// The close view of a moment: its sound, with the annotations as regions.

import { Regions } from "../sound/regions.js";
import { iso } from "./api.js";

/** @typedef {import("./edits.js").Shown} Shown */
/** @typedef {import("./api.js").Content} Content */
/** @typedef {import("../sound/box.js").Box} Box */
/** @typedef {{ startMs: number, endMs: number }} Period */

/**
 * @typedef {object} MacroActions
 * @property {() => void} onChoice a region was chosen, or none, or something else was selected
 * @property {(key: string, content: Partial<Content>) => void} onChange
 * @property {(key: string) => void} onRemove
 */

export class Macro {
  /** @type {Period | null} */
  window = null;
  /** @type {Box | null} what is selected and no region */
  draft = null;
  #src = "";
  /** @type {readonly Shown[]} */
  #annotations = [];
  /** @type {(tag: string) => number} */
  #colorOf = () => 1;
  /** @type {string | null} */
  #wanted = null;
  /** @type {Period | null} */
  #proposed = null;

  /**
   * @param {import("../sound/sound-view.js").SoundView} view
   * @param {{ api: string, isEditable: boolean }} options
   * @param {MacroActions} actions
   */
  constructor(view, { api, isEditable }, actions) {
    this.view = view;
    this.api = api;
    this.actions = actions;
    this.regions = new Regions(
      view,
      {
        onChoice: () => actions.onChoice(),
        onDraft: (box) => {
          this.draft = box;
          actions.onChoice();
        },
        onChange: (key, bounds) => actions.onChange(key, this.#contentOf(bounds)),
        onRemove: (key) => actions.onRemove(key),
      },
      isEditable,
    );
    view.addEventListener("sound-ready", () => this.#onReady());
  }

  /** @returns {string | null} */
  get chosen() {
    return this.regions.chosen;
  }

  /** The annotations within the window. */
  get inWindow() {
    const { window } = this;
    if (!window) return [];
    return this.#annotations.filter(({ start, end }) => Date.parse(start) < window.endMs && Date.parse(end) > window.startMs);
  }

  /**
   * Show the sound of a channel around a time.
   * @param {string} channel
   * @param {number} atMs
   * @param {number} lengthS
   */
  open(channel, atMs, lengthS) {
    const startMs = Math.round(atMs - lengthS * 500);
    this.window = { startMs, endMs: startMs + lengthS * 1000 };
    const query = new URLSearchParams({ channel, start: iso(startMs), duration_s: String(lengthS) });
    const src = `${this.api}/sound?${query}`;
    if (src === this.#src) {
      this.#onReady();
      return;
    }
    this.draft = null;
    this.#src = src;
    this.view.setAttribute("src", src);
  }

  close() {
    this.window = null;
    this.draft = null;
    this.#src = "";
    this.view.setAttribute("src", "");
  }

  /**
   * @param {readonly Shown[]} annotations
   * @param {(tag: string) => number} colorOf
   */
  show(annotations, colorOf) {
    this.#annotations = annotations;
    this.#colorOf = colorOf;
    this.#showRegions();
  }

  /**
   * Choose an annotation, now or when its sound is there.
   * @param {string | null} key
   */
  choose(key) {
    this.#wanted = key;
    if (this.view.isReady) this.#chooseWanted();
  }

  /**
   * Select a period when its sound is there.
   * @param {Period} period
   */
  propose(period) {
    this.#proposed = period;
  }

  /** Play a region or what is selected. */
  play() {
    this.view.playback.playSelection();
  }

  /** What the selection would state with a tag; null if nothing is selected. */
  get draftBounds() {
    return this.draft && this.#contentOf(this.regions.boundsOf(this.draft));
  }

  /** @param {string | null} key of what the draft became */
  keep(key) {
    this.draft = null;
    this.regions.choose(key);
  }

  #onReady() {
    if (!this.view.isReady) return;
    this.#showRegions();
    if (this.#proposed && this.window) {
      const { startMs } = this.window;
      const { startMs: fromMs, endMs } = this.#proposed;
      this.#proposed = null;
      const box = { startS: (fromMs - startMs) / 1000, endS: (endMs - startMs) / 1000 };
      this.view.select({ ...box, lowHz: 0, highHz: this.view.extent.maxHz });
    }
    this.#chooseWanted();
  }

  #chooseWanted() {
    const key = this.#wanted;
    if (key === null || !this.regions.all.some((region) => region.key === key)) return;
    this.#wanted = null;
    this.regions.choose(key);
  }

  #showRegions() {
    const { window } = this;
    if (!window || !this.view.isReady) return;
    this.regions.all = this.inWindow.map(({ key, tag, start, end, low_hz: lowHz, high_hz: highHz }) => ({
      key,
      startS: (Date.parse(start) - window.startMs) / 1000,
      endS: (Date.parse(end) - window.startMs) / 1000,
      lowHz,
      highHz,
      label: tag,
      kind: `tag-${this.#colorOf(tag)}`,
    }));
  }

  /** @param {import("../sound/regions.js").Bounds} bounds */
  #contentOf({ startS, endS, lowHz, highHz }) {
    const startMs = this.window?.startMs ?? 0;
    const start = Math.round(startMs + startS * 1000);
    const end = Math.max(start + 1, Math.round(startMs + endS * 1000));
    const round = (/** @type {number | null} */ hz) => (hz === null ? null : Math.round(hz));
    return { start: iso(start), end: iso(end), low_hz: round(lowHz), high_hz: round(highHz) };
  }
}
