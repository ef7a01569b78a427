// The panel of a moment: its sound, the annotations in it, and the tags that they are given.

import { clock } from "../sound/ticks.js";
import { DetectionLayer } from "./detection-layer.js";
import { Macro } from "./macro.js";
import { RegionList } from "./region-list.js";
import { TagBar } from "./tag-bar.js";
import { dayOf, dayTitle } from "./zoned.js";

/** @typedef {import("./edits.js").Shown} Shown */
/** @typedef {import("./annotations.js").Annotations} Annotations */
/** @typedef {import("./days-panel.js").DaysPanel} DaysPanel */

const TOUCH = window.matchMedia("(pointer: coarse)");

/**
 * @param {string} id
 * @returns {any}
 */
const part = (id) => document.getElementById(id);

export class MomentPanel {
  /** @type {TagBar | null} */
  tagBar = null;

  /**
   * @param {Annotations} annotations
   * @param {DaysPanel} days which knows the tags
   * @param {{ api: string, search: string, zone: string, sprite: string, isEditable: boolean, say: (text: string) => void }} options
   */
  constructor(annotations, days, { api, search, zone, sprite, isEditable, say }) {
    this.annotations = annotations;
    this.days = days;
    this.zone = zone;
    this.say = say;
    this.sound = /** @type {import("../sound/sound-view.js").SoundView} */ (part("sound"));
    this.macro = new Macro(this.sound, { api, isEditable }, {
      onChoice: () => this.show(),
      onChange: (key, content) => annotations.change(key, content),
      onRemove: (key) => this.remove(key),
    });
    this.detections = new DetectionLayer(this.sound, annotations.api, part("toggle-detections"));
    this.list = new RegionList(part("region-list"), { zone, sprite }, {
      searchOf: (key) => {
        const id = annotations.confirmed.get(key)?.id;
        return id === undefined ? null : `${search}?annotation=${id}`;
      },
      onChoose: (key) => this.choose(key),
      onPlay: (key) => this.#play(key),
      onDelete: isEditable ? (key) => this.remove(key) : null,
    });
    if (!isEditable) return;
    const parts = { slots: part("tag-slots"), form: part("tag-form"), field: part("tag-field"), names: part("tag-names") };
    this.tagBar = new TagBar(parts, (tag) => this.#onTag(tag));
    part("new-region").addEventListener("click", () => this.sound.isReady && this.sound.selectHere());
    part("toggle-band").addEventListener("click", () => this.macro.regions.toggleBand());
    part("undo").addEventListener("click", () => this.undo());
  }

  /**
   * Show the sound of a channel around a time.
   * @param {string} channel
   * @param {number} atMs
   * @param {number} lengthS
   */
  open(channel, atMs, lengthS) {
    this.macro.open(channel, atMs, lengthS);
    this.detections.open(this.macro.window && { channel, window: this.macro.window });
  }

  close() {
    this.macro.close();
    this.detections.open(null);
  }

  /** Show what there is now. */
  show() {
    const { window, inWindow, chosen, draft } = this.macro;
    part("moment-body").hidden = !window;
    part("moment-empty").hidden = !!window;
    part("moment-actions").hidden = !window;
    if (!window) {
      part("moment-head").textContent = "Moment";
      return;
    }
    const atMs = (window.startMs + window.endMs) / 2;
    part("moment-head").textContent = `${clock(window.startMs, this.zone, 0)}\u2013${clock(window.endMs, this.zone, 0)}`;
    part("moment-head").title = dayTitle(dayOf(atMs, this.zone));
    this.list.show(inWindow, this.days.colorOf, chosen);
    if (!this.tagBar) return;
    const present = inWindow.find(({ key }) => key === chosen)?.tag ?? null;
    this.tagBar.show(this.days.tags, this.days.colorOf, present);
    const hint = chosen
      ? "A tag replaces that of the region. Drag the region or its edges, or use the arrow keys."
      : draft
        ? "Choose a tag for what is selected."
        : `Drag over the spectrogram to mark a sound${TOUCH.matches ? " (the button with the corners lets one finger draw)" : ""}, then choose a tag.`;
    part("tag-hint").textContent = hint;
    part("toggle-band").disabled = !chosen && !draft;
  }

  /** Show the annotations as they are now. */
  refresh() {
    this.macro.show(this.annotations.shown, this.days.colorOf);
    this.show();
  }

  /** @param {string} key */
  choose(key) {
    this.macro.choose(key);
    this.sound.focusSelection();
  }

  /**
   * Choose the next region of the window, or the one before.
   * @param {1 | -1} by
   */
  step(by) {
    const keys = this.macro.inWindow.map(({ key }) => key);
    if (!keys.length) return;
    const present = keys.indexOf(this.macro.chosen ?? "");
    this.choose(keys[present < 0 ? (by > 0 ? 0 : keys.length - 1) : (present + by + keys.length) % keys.length]);
  }

  /** @param {string} key */
  remove(key) {
    const tag = this.annotations.byKey(key)?.tag;
    this.annotations.remove(key);
    this.say(`Deleted: ${tag}`);
  }

  undo() {
    const key = this.annotations.undo();
    this.say(key === null ? "There is nothing to undo" : "Undone");
    if (key !== null && this.macro.inWindow.some((one) => one.key === key)) this.macro.choose(key);
  }

  /** @param {string} key */
  #play(key) {
    this.macro.choose(key);
    this.macro.play();
  }

  /**
   * Give a tag to the chosen region, or make one of what is selected.
   * @param {string} tag
   * @returns {boolean} whether there was something
   */
  #onTag(tag) {
    const { chosen, draftBounds } = this.macro;
    if (chosen !== null) {
      this.annotations.change(chosen, { tag });
      this.say(`Tag: ${tag}`);
    } else if (draftBounds) {
      const { start, end, low_hz, high_hz } = draftBounds;
      const key = this.annotations.create({ start, end, low_hz, high_hz, tag });
      this.macro.keep(key);
      this.sound.focusSelection();
      this.say(`Annotated: ${tag}`);
    } else {
      this.say("Mark a sound first: drag over the spectrogram, or press s");
      return false;
    }
    return true;
  }
}

