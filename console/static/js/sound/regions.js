// Regions over a sound view: named periods and bands, which are drawn, chosen, moved, resized and removed.
//
// The chosen region is the selection of the view, so that what works with a selection works with a region: its handles,
// the arrow keys, and playback of it or of its band.

import { HANDLES, make, place } from "./layer.js";
import { areaOf, boundsOf, isIn } from "./region-bounds.js";

/** @typedef {import("./sound-view.js").SoundView} SoundView */
/** @typedef {import("./box.js").Box} Box */
/** @typedef {import("./view.js").View} View */

/** @typedef {import("./region-bounds.js").Region} Region */
/** @typedef {import("./region-bounds.js").Bounds} Bounds */

/**
 * @typedef {object} RegionActions
 * @property {(key: string | null) => void} onChoice which region was chosen
 * @property {(box: Box | null) => void} onDraft what was selected that is no region
 * @property {(key: string, bounds: Bounds) => void} onChange how the chosen region was moved or resized
 * @property {(key: string) => void} onRemove
 */

export class Regions {
  /** @type {string | null} */
  chosen = null;
  /** @type {readonly Region[]} */
  #regions = [];
  /** @type {Map<string, HTMLElement>} */
  #elements = new Map();
  #isOwn = false;
  root = make("div", "sound-regions");
  /** @type {import("./layer.js").Layer | undefined} */
  layer = undefined;

  /**
   * @param {SoundView} view
   * @param {RegionActions} actions
   * @param {boolean} isEditable
   */
  constructor(view, actions, isEditable) {
    this.view = view;
    this.actions = actions;
    this.isEditable = isEditable;
    view.overlay = this;
    view.addEventListener("sound-selection", (event) => {
      const { selection, isFinal } = /** @type {CustomEvent} */ (event).detail;
      if (!this.#isOwn) this.#onSelection(selection, isFinal);
    });
  }

  get all() {
    return this.#regions;
  }

  /** The regions of the sound. The chosen one stays chosen. */
  set all(regions) {
    this.#regions = regions;
    this.#build();
    const chosen = this.#byKey(this.chosen);
    if (this.chosen && !chosen) this.choose(null);
    else if (chosen && !this.view.isDragging) this.#select(this.#boxOf(chosen));
  }

  /**
   * Choose a region, or none.
   * @param {string | null} key
   */
  choose(key) {
    const region = this.#byKey(key);
    this.chosen = region ? region.key : null;
    this.#select(region ? this.#boxOf(region) : null);
    this.#markChosen();
    this.actions.onChoice(this.chosen);
  }

  /**
   * The bounds of a box: those at the edges of the view's frequencies are none, and what lay outside stays there.
   * @param {Box} box
   * @param {Region | null} [region] that had them before
   * @returns {Bounds}
   */
  boundsOf(box, region = null) {
    return boundsOf(box, this.view.extent, region);
  }

  /** Remove or set the bounds of the selection's frequencies. */
  toggleBand() {
    const { selection, extent, view } = this.view;
    if (!selection) return;
    const isWhole = selection.lowHz <= 0 && selection.highHz >= extent.maxHz;
    const quarter = (view.highHz - view.lowHz) / 4;
    const band = isWhole ? { lowHz: view.lowHz + quarter, highHz: view.highHz - quarter } : { lowHz: 0, highHz: extent.maxHz };
    this.view.select({ ...selection, ...band });
  }

  // What the sound view calls.

  /**
   * A sound was loaded: its layer is new.
   * @param {import("./layer.js").Layer} layer
   */
  attach(layer) {
    this.layer = layer;
    layer.root.prepend(this.root); // the selection's handles lie over those of the regions
    this.#build();
  }

  /** The sound is gone. */
  detach() {
    this.layer = undefined;
    if (this.chosen === null) return;
    this.chosen = null;
    this.actions.onChoice(null);
  }

  /** @param {View} view */
  show(view) {
    for (const region of this.#regions) {
      const element = this.#elements.get(region.key);
      if (element) place(element, view, this.#boxOf(region));
    }
  }

  /** Whether the chosen region cannot be moved. */
  get isFixed() {
    return this.chosen !== null && !this.isEditable;
  }

  /**
   * A press on the label or the edge of a region chooses it.
   * @param {HTMLElement} target
   * @returns {boolean} whether it is one
   */
  grab(target) {
    const key = /** @type {HTMLElement | null} */ (target.closest(".sound-region"))?.dataset.key;
    if (key !== undefined && key !== this.chosen) this.choose(key);
    return key !== undefined;
  }

  /**
   * A click on a point chooses the smallest region that is there, or none.
   * @param {{ timeS: number, hz: number }} point
   * @returns {boolean} whether there is one
   */
  click({ timeS, hz }) {
    const there = this.#regions
      .map((region) => ({ key: region.key, box: this.#boxOf(region) }))
      .filter(({ box }) => isIn(box, timeS, hz))
      .sort((a, b) => areaOf(a.box) - areaOf(b.box));
    const { selection } = this.view;
    if (!there.length && selection && !isIn(selection, timeS, hz)) this.choose(null);
    if (there.length && there[0].key !== this.chosen) this.choose(there[0].key);
    return there.length > 0;
  }

  /** A new selection begins. */
  release() {
    if (this.chosen !== null) this.choose(null);
  }

  /**
   * A key on the spectrogram or the selection.
   * @param {KeyboardEvent} event
   * @returns {boolean} whether it had an effect
   */
  key({ key, ctrlKey, metaKey, altKey }) {
    if (this.chosen === null || ctrlKey || metaKey || altKey) return false;
    if (key === "Escape") {
      this.choose(null);
      this.view.focusStage();
    } else if (this.isEditable && (key === "Delete" || key === "Backspace")) {
      this.actions.onRemove(this.chosen);
      this.view.focusStage();
    } else return false;
    return true;
  }

  /**
   * @param {Box | null} selection
   * @param {boolean} isFinal
   */
  #onSelection(selection, isFinal) {
    const region = this.#byKey(this.chosen);
    if (region && selection && this.isFixed) {
      this.#select(this.#boxOf(region));
      return;
    }
    if (region && selection) {
      const element = this.#elements.get(region.key);
      if (element) place(element, this.view.view, selection);
      if (isFinal) this.actions.onChange(region.key, this.boundsOf(selection, region));
      return;
    }
    if (this.chosen !== null) {
      this.chosen = null;
      this.#markChosen();
      this.actions.onChoice(null);
    }
    if (isFinal) this.actions.onDraft(selection);
  }

  /** @param {Box | null} box */
  #select(box) {
    this.#isOwn = true;
    this.view.select(box);
    this.#isOwn = false;
  }

  #build() {
    const { layer } = this;
    if (!layer) return;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement?.closest(".sound-region"))?.dataset.key;
    this.#elements = new Map(this.#regions.map((region) => [region.key, this.#elementOf(region, layer)]));
    this.root.replaceChildren(...this.#elements.values());
    if (focused !== undefined) this.#elements.get(focused)?.querySelector("button")?.focus({ preventScroll: true });
    this.#markChosen();
    this.show(this.view.view);
  }

  /**
   * @param {Region} region
   * @param {import("./layer.js").Layer} layer
   */
  #elementOf(region, layer) {
    const element = make("div", `sound-mark sound-region ${region.kind}`);
    element.dataset.key = region.key;
    const label = make("button", "sound-mark-label", region.label);
    label.setAttribute("type", "button");
    label.setAttribute("aria-label", `${region.label}, ${layer.describe(this.#boxOf(region))}`);
    label.addEventListener("click", () => {
      this.choose(region.key);
      this.view.focusSelection();
    });
    if (this.isEditable) {
      for (const edges of HANDLES) {
        const handle = make("span", `sound-handle ${edges}`);
        handle.dataset.edges = edges;
        element.append(handle);
      }
    }
    element.append(label);
    return element;
  }

  #markChosen() {
    for (const [key, element] of this.#elements) {
      element.classList.toggle("is-chosen", key === this.chosen);
      element.querySelector("button")?.setAttribute("aria-pressed", String(key === this.chosen));
    }
  }

  /**
   * @param {string | null} key
   * @returns {Region | null}
   */
  #byKey(key) {
    return this.#regions.find((region) => region.key === key) ?? null;
  }

  /**
   * @param {Region} region
   * @returns {Box} within the sound
   */
  #boxOf({ startS, endS, lowHz, highHz }) {
    const { durationS, maxHz } = this.view.extent;
    const box = { startS: Math.max(0, startS), endS: Math.min(durationS, endS) };
    return { ...box, lowHz: lowHz ?? 0, highHz: Math.min(highHz ?? maxHz, maxHz) };
  }
}
