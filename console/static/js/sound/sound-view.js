// <sound-view src start zone label selectable lazy compact>: a sound with its spectrogram, waveform and player.
//
// Events, which bubble: "sound-ready" (durationS, rateHz), "sound-selection" (selection or null, isFinal, and start and
// end as dates if the beginning is known), "sound-mark" (mark), "sound-time" (timeS) and "sound-error" (message).

import { boxAt, limitedBox } from "./box.js";
import { colorMap } from "./colors.js";
import { Controls } from "./controls.js";
import { decode } from "./decode.js";
import { buildFrame, buildLayer, clearFrame } from "./frame.js";
import { onSelectionKey, onStageKey } from "./keys.js";
import { Playback } from "./playback.js";
import { Pointer } from "./pointer.js";
import { preferences, remember } from "./preferences.js";
import { readOut } from "./readout.js";
import { gapsOf, reasonOf, startOf, waitOf } from "./response.js";
import { drawFrequencies, drawTimes } from "./scales.js";
import { Spectrogram } from "./spectrogram.js";
import { date, lengthText } from "./ticks.js";
import { around, isSame, limited, whole, zoomed } from "./view.js";
import { onResize, onTheme, onceSeen } from "./watch.js";
import { Waveform } from "./waveform.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./view.js").Extent} Extent */
/** @typedef {import("./box.js").Box} Box */
/** @typedef {import("./layer.js").Mark} Mark */

const WAVEFORM_PX = 48;
const SAY_EVERY_S = 10;

export class SoundView extends HTMLElement {
  static observedAttributes = ["src"];

  /** @type {View} */
  view = { startS: 0, endS: 1, lowHz: 0, highHz: 1 };
  /** @type {Extent} */
  extent = { durationS: 1, maxHz: 1 };
  /** @type {Box | null} */
  selection = null;
  touchSelects = false;
  colors = preferences().colors;
  rangeDb = preferences().rangeDb;
  windowSize = 1024;
  playback = new Playback(this);
  /** @type {import("./regions.js").Regions | null} */
  overlay = null;
  /** @type {Mark[]} */
  #marks = [];
  /** @type {import("./layer.js").Gap[]} */
  #gaps = [];
  /** @type {number | null} */
  #startMs = null;
  /** @type {Spectrogram | null} */
  #spectrogram = null;
  /** @type {Waveform | null} */
  #waveform = null;
  /** @type {import("./layer.js").Layer | null} */
  #layer = null;
  /** @type {AbortController | null} */
  #life = null;
  #loads = 0;

  connectedCallback() {
    this.#life = new AbortController();
    this.parts = buildFrame(this);
    this.controls = new Controls(this, this.parts.controls);
    this.pointer = new Pointer(this, this.parts.stage);
    this.parts.stage.addEventListener("keydown", (event) => this.#onKey(event));
    const { signal } = this.#life;
    onResize(this, () => this.show(this.view), signal);
    onTheme(() => this.#waveform?.recolor(), signal);
    if (this.hasAttribute("lazy")) onceSeen(this, () => void this.load(), signal);
    else void this.load();
  }

  disconnectedCallback() {
    this.#life?.abort();
    this.#loads++;
    this.#unload();
    this.replaceChildren();
  }

  attributeChangedCallback() {
    if (this.isConnected && this.parts) void this.load();
  }

  get isReady() {
    return this.#spectrogram !== null;
  }

  get isSelectable() {
    return this.getAttribute("selectable") !== "false";
  }

  get isDragging() {
    return this.pointer?.isDragging ?? false;
  }

  get hasFocus() {
    return this.contains(document.activeElement);
  }

  /** The time that stays where it is when keys and buttons zoom: that of the playhead if it is seen. */
  get anchorS() {
    const { startS, endS } = this.view;
    const { timeS } = this.playback;
    return timeS > startS && timeS < endS ? timeS : (startS + endS) / 2;
  }

  /** When the sound begins, and in which zone its times are shown. */
  get when() {
    return { startMs: this.#startMs, zone: this.getAttribute("zone") ?? "UTC" };
  }

  get marks() {
    return this.#marks;
  }

  /** Detections and annotations, which are drawn over the spectrogram. */
  set marks(marks) {
    this.#marks = marks;
    this.#showMarks();
  }

  /** Load the sound of `src`. */
  async load() {
    const number = ++this.#loads;
    this.#unload();
    const src = this.getAttribute("src");
    if (!src) return;
    this.#say("Loading\u2026");
    try {
      const response = await fetch(src, { signal: this.#life?.signal });
      const waitS = await waitOf(response);
      if (waitS !== null) {
        await this.#wait(number, waitS);
        return;
      }
      if (!response.ok) throw new Error(await reasonOf(response));
      const sound = await decode(await response.arrayBuffer());
      if (number === this.#loads && this.isConnected) this.#open(sound, response);
    } catch (error) {
      if (number !== this.#loads || !this.isConnected) return;
      const message = (error instanceof Error && error.message) || "The sound cannot be loaded.";
      this.#say(message, true);
      this.#emit("sound-error", { message });
    }
  }

  /**
   * Say that the sound is still being recorded, and load it when it is there, unless another one is wanted by then.
   * @param {number} number of the load
   * @param {number} waitS
   */
  async #wait(number, waitS) {
    for (let leftS = waitS; leftS > 0; leftS -= SAY_EVERY_S) {
      if (number !== this.#loads || !this.isConnected) return;
      this.#say(`Being recorded; ready in about ${lengthText(leftS)}.`);
      await new Promise((resolve) => setTimeout(resolve, 1000 * Math.min(leftS, SAY_EVERY_S)));
    }
    if (number === this.#loads && this.isConnected) await this.load();
  }

  /**
   * Show a part of the sound.
   * @param {View} view
   */
  show(view) {
    if (!this.#spectrogram || !this.parts) return;
    this.view = limited(view, this.extent);
    delete this.dataset.drawn;
    this.#spectrogram.show(this.view);
    this.#waveform?.show(this.view);
    this.#layer?.show(this.view);
    this.overlay?.show(this.view);
    this.#layer?.showPlayhead(this.view, this.playback.timeS);
    drawFrequencies(this.parts.frequencies, this.view);
    drawTimes(this.parts.times, this.view, this.when);
  }

  showAll() {
    this.show(whole(this.extent));
  }

  /** @param {{ time?: number, frequency?: number }} zoom */
  zoomBy(zoom) {
    this.show(zoomed(this.view, this.extent, { ...zoom, atS: this.anchorS }));
  }

  /** Zoom to the selection, or back to all. */
  toggleZoom() {
    const box = this.selection;
    if (!box) {
      this.showAll();
      return;
    }
    const near = around(box, this.extent);
    this.show(isSame(near, this.view) ? whole(this.extent) : near);
  }

  /**
   * Select a part, or nothing. While it is dragged, it is not final.
   * @param {Box | null} box
   * @param {{ isFinal?: boolean }} [options]
   */
  select(box, { isFinal = true } = {}) {
    this.selection = box && limitedBox(box, this.extent);
    const text = this.#layer?.setSelection(this.selection) ?? "";
    this.#layer?.show(this.view);
    if (this.parts) this.parts.chosen.textContent = text;
    this.controls?.update();
    this.#emit("sound-selection", { selection: this.selection, isFinal, ...this.#dates() });
  }

  /** Select a tenth of what is shown, at the playhead. */
  selectHere() {
    this.overlay?.release();
    this.select(boxAt(this.view, this.anchorS));
    this.focusSelection();
  }

  focusSelection() {
    this.#layer?.box.focus({ preventScroll: true });
  }

  /** @param {boolean} isOn */
  setTouchSelects(isOn) {
    this.touchSelects = isOn;
    this.classList.toggle("touch-selects", isOn);
    this.controls?.update();
  }

  /** @param {number} size samples, a power of two */
  setWindowSize(size) {
    this.windowSize = size;
    this.#spectrogram?.resize(size);
  }

  /** @param {{ map?: string, rangeDb?: number }} colors */
  setColors({ map, rangeDb }) {
    if (map) this.colors = colorMap(map);
    if (rangeDb) this.rangeDb = rangeDb;
    remember(this);
    this.#spectrogram?.recolor(this.colors, this.rangeDb);
  }

  focusStage() {
    this.parts?.stage.focus({ preventScroll: true });
  }

  /** @param {[number, number] | null} place fractions of the width and of the height from the top */
  readOut(place) {
    if (!this.parts) return;
    readOut(this.parts, place, this.view, this.when, place && (this.#spectrogram?.levelAt(...place) ?? null));
  }

  onTime() {
    this.#layer?.showPlayhead(this.view, this.playback.timeS);
    this.#emit("sound-time", { timeS: this.playback.timeS });
  }

  /** Show the playhead, and turn the page when it leaves what is shown. */
  followPlayhead() {
    const { timeS } = this.playback;
    const { startS, endS } = this.view;
    const length = endS - startS;
    const isOutside = timeS < startS || timeS > endS;
    if (isOutside) this.show({ ...this.view, startS: timeS - 0.05 * length, endS: timeS + 0.95 * length });
    this.#layer?.showPlayhead(this.view, timeS);
  }

  /**
   * @param {import("./decode.js").Sound} sound
   * @param {Response} response
   */
  #open(sound, response) {
    if (!this.parts) return;
    if (!sound.samples.length) throw new Error("The sound is empty.");
    this.#startMs = startOf(this.getAttribute("start"), response.headers);
    this.#gaps = gapsOf(response.headers);
    this.extent = { durationS: sound.samples.length / sound.rateHz, maxHz: sound.rateHz / 2 };
    this.view = whole(this.extent);
    this.#layer = buildLayer(this.parts, this.when);
    this.overlay?.attach(this.#layer);
    this.#spectrogram = new Spectrogram(this.parts.canvas, sound, this.colors, this.rangeDb);
    this.#spectrogram.addEventListener("complete", () => (this.dataset.drawn = "true")); // for scripts that wait
    this.windowSize = this.#spectrogram.size;
    this.#waveform = new Waveform(this.parts.waveform, this.playback.open(sound), sound.samples, WAVEFORM_PX);
    this.parts.title.textContent = this.#startMs === null ? "" : date(this.#startMs, this.when.zone);
    this.#say("");
    this.#showMarks();
    this.show(this.view);
    this.select(null);
    this.#emit("sound-ready", { durationS: this.extent.durationS, rateHz: sound.rateHz });
  }

  #unload() {
    this.playback.close();
    this.#waveform?.destroy();
    this.#spectrogram?.destroy();
    this.#waveform = this.#spectrogram = this.#layer = null;
    this.overlay?.detach();
    if (this.parts) clearFrame(this.parts);
    this.selection = null;
    this.#gaps = [];
  }

  #showMarks() {
    this.#layer?.setMarks(this.#marks, this.#gaps, this.extent.maxHz, (mark) => this.#emit("sound-mark", { mark }));
    this.#layer?.show(this.view);
  }

  /** The selection as dates, if it is known when the sound begins. */
  #dates() {
    if (this.#startMs === null || !this.selection) return {};
    const { startS, endS } = this.selection;
    return { start: new Date(this.#startMs + startS * 1000), end: new Date(this.#startMs + endS * 1000) };
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (!this.isReady || (event.target instanceof Element && event.target.closest("button"))) return;
    const isBox = event.target === this.#layer?.box;
    if (this.overlay?.key(event) ? true : isBox ? onSelectionKey(this, event) : onStageKey(this, event)) {
      event.preventDefault();
      event.stopPropagation(); // shortcuts of the page have to wait
    }
  }

  /**
   * @param {string} text
   * @param {boolean} [isError]
   */
  #say(text, isError = false) {
    if (!this.parts) return;
    this.parts.message.textContent = text;
    this.parts.message.classList.toggle("bad", isError);
  }

  /**
   * @param {string} name
   * @param {object} detail
   */
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }
}

customElements.define("sound-view", SoundView);
