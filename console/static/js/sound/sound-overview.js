// <sound-overview src start duration zone label>: the levels of a long period, such as a day, to choose a time in.
//
// `src` is the address of the peaks, to which the number of pixels is added. Event, which bubbles: "sound-pick" (timeS,
// and time as a date), when a time is chosen.

import { make } from "./layer.js";
import { followPeaks, heightAt, missing } from "./peaks.js";
import { drawTimes } from "./scales.js";
import { timeText } from "./ticks.js";
import { onResize, onTheme } from "./watch.js";

const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 };

export class SoundOverview extends HTMLElement {
  static observedAttributes = ["src", "start", "duration"];

  /** The time that is pointed at, in seconds from the beginning. */
  timeS = 0;
  canvas = /** @type {HTMLCanvasElement} */ (make("canvas", "sound-canvas"));
  stage = make("div", "overview-stage");
  times = make("div", "sound-times number");
  gaps = make("div", "sound-layer");
  cursor = make("div", "sound-playhead");
  message = make("p", "sound-message");
  /** @type {import("./peaks.js").Peaks | null} */
  #peaks = null;
  /** @type {AbortController | null} */
  #life = null;
  /** @type {AbortController | null} */
  #loading = null;

  connectedCallback() {
    this.#life = new AbortController();
    const { stage } = this;
    stage.tabIndex = 0;
    stage.setAttribute("role", "slider");
    stage.setAttribute("aria-valuenow", "0"); // a slider has a value also while the sound is loaded
    stage.setAttribute("aria-label", this.getAttribute("label") ?? "Time");
    stage.replaceChildren(this.canvas, this.gaps, this.cursor, this.message);
    this.times.setAttribute("aria-hidden", "true");
    this.replaceChildren(stage, this.times);
    const { signal } = this.#life;
    stage.addEventListener("click", (event) => this.#onClick(event), { signal });
    stage.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    onResize(this, () => this.#draw(), signal);
    onTheme(() => this.#draw(), signal);
    this.point(this.timeS, false);
    void this.load();
  }

  disconnectedCallback() {
    this.#life?.abort();
    this.#loading?.abort();
  }

  attributeChangedCallback() {
    if (this.isConnected) void this.load();
  }

  get durationS() {
    return Number(this.getAttribute("duration")) || 86400;
  }

  get when() {
    const time = Date.parse(this.getAttribute("start") ?? "");
    return { startMs: Number.isNaN(time) ? null : time, zone: this.getAttribute("zone") ?? "UTC" };
  }

  /** Load the peaks. */
  async load() {
    this.#loading?.abort();
    this.#loading = new AbortController();
    const src = this.getAttribute("src");
    if (!src) return;
    const { signal } = this.#loading;
    this.#peaks = null;
    this.message.textContent = "Loading\u2026";
    const pixels = Math.min(4000, Math.max(100, Math.round(this.stage.clientWidth)));
    try {
      await followPeaks(`${src}${src.includes("?") ? "&" : "?"}pixels=${pixels}`, signal, (peaks) => {
        this.#peaks = peaks;
        this.message.textContent = "";
        this.toggleAttribute("complete", peaks.is_complete);
        this.#draw();
      });
    } catch (error) {
      if (!signal.aborted) this.message.textContent = error instanceof Error ? error.message : "It cannot be loaded.";
    }
  }

  /**
   * Point at a time, and report it if it is chosen.
   * @param {number} timeS
   * @param {boolean} isChosen
   */
  point(timeS, isChosen) {
    this.timeS = Math.min(this.durationS, Math.max(0, timeS));
    this.cursor.style.left = `${(this.timeS / this.durationS) * 100}%`;
    const { stage, when } = this;
    stage.setAttribute("aria-valuemin", "0");
    stage.setAttribute("aria-valuemax", String(this.durationS));
    stage.setAttribute("aria-valuenow", String(Math.round(this.timeS)));
    stage.setAttribute("aria-valuetext", timeText(this.timeS, when, 0));
    if (!isChosen) return;
    const time = when.startMs === null ? null : new Date(when.startMs + this.timeS * 1000);
    this.dispatchEvent(new CustomEvent("sound-pick", { bubbles: true, detail: { timeS: this.timeS, time } }));
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const { left, width } = this.stage.getBoundingClientRect();
    this.point(((event.clientX - left) / width) * this.durationS, true);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const step = KEYS[/** @type {keyof typeof KEYS} */ (event.key)];
    if (step) this.point(this.timeS + (step * this.durationS) / 288, false);
    else if (event.key === "Home") this.point(0, false);
    else if (event.key === "End") this.point(this.durationS, false);
    else if (event.key === "Enter" || event.key === " ") this.point(this.timeS, true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #draw() {
    const { canvas, durationS } = this;
    drawTimes(this.times, { startS: 0, endS: durationS, lowHz: 0, highHz: 1 }, this.when);
    this.point(this.timeS, false);
    const peaks = this.#peaks;
    if (!peaks || !canvas.clientWidth) return;
    const ratio = Math.max(1, window.devicePixelRatio || 1);
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.fillStyle = getComputedStyle(this).getPropertyValue("--accent").trim();
    const wide = canvas.width / peaks.low.length;
    for (let pixel = 0; pixel < peaks.low.length; pixel++) {
      const height = Math.max(ratio, heightAt(peaks, pixel) * canvas.height);
      if (peaks.low[pixel] !== null) {
        context.fillRect(pixel * wide, (canvas.height - height) / 2, Math.max(1, wide * 0.8), height);
      }
    }
    this.gaps.replaceChildren(
      ...missing(peaks).map(({ startS, endS }) => {
        const gap = make("div", "overview-gap");
        gap.style.left = `${(startS / durationS) * 100}%`;
        gap.style.width = `${((endS - startS) / durationS) * 100}%`;
        gap.title = `Not recorded: ${timeText(startS, this.when, 0)}\u2013${timeText(endS, this.when, 0)}`;
        return gap;
      }),
    );
  }
}

customElements.define("sound-overview", SoundOverview);
