// The chart of days: annotations by tag upon one another, and below how much was recorded.

import { binned, binsBetween, binTicks, binTitle, niceTop } from "./bins.js";
import { ChartCursor, svg } from "./chart-cursor.js";

/** @typedef {import("./counts.js").CountsByDay} CountsByDay */
/** @typedef {import("./bins.js").Bin} Bin */

/**
 * @typedef {object} Days What the chart shows.
 * @property {string} first
 * @property {string} last
 * @property {ReadonlyMap<string, number>} recordedS by day
 * @property {CountsByDay} counts
 * @property {readonly string[]} tags in the order of the bars, from below
 * @property {(tag: string) => number} colorOf
 * @property {string | null} tag that is highlighted
 * @property {string | null} day that is open
 */

const TICK_PX = 76;
const DAY_H = 24;

export class DaysChart {
  /** @type {Bin[]} */
  #bins = [];
  /** @type {{ tag: string, counts: number[] }[]} */
  #series = [];
  /** @type {number[]} */
  #hours = [];

  /**
   * @param {HTMLElement} root
   * @param {(bin: Bin) => void} onBin
   */
  constructor(root, onBin) {
    this.stage = /** @type {HTMLElement} */ (root.querySelector(".chart-stage"));
    this.bars = /** @type {HTMLElement} */ (root.querySelector("[data-bars]"));
    this.recorded = /** @type {HTMLElement} */ (root.querySelector("[data-recorded]"));
    this.ticks = /** @type {HTMLElement} */ (root.querySelector(".chart-ticks"));
    this.tops = /** @type {HTMLElement[]} */ ([...root.querySelectorAll("[data-top]")]);
    const readout = /** @type {HTMLElement} */ (root.querySelector(".chart-readout"));
    this.cursor = new ChartCursor(this.stage, readout, {
      steps: () => this.#bins.length,
      textAt: (place) => this.#textAt(Math.floor(place * this.#bins.length)),
      onPick: (place) => this.#bins.length && onBin(this.#bins[Math.floor(place * this.#bins.length)]),
    });
  }

  /** @param {Days} days */
  show(days) {
    const { bins, step } = binsBetween(days.first, days.last);
    const isMoved = bins[0].first !== this.#bins[0]?.first || bins.length !== this.#bins.length;
    this.#bins = bins;
    this.#hours = binned(bins, step, days.recordedS).map((seconds) => seconds / 3600);
    this.#series = days.tags.map((tag) => ({ tag, counts: binned(bins, step, ofTag(days.counts, tag)) }));
    const most = Math.max(0, ...bins.map((_, place) => sumAt(this.#series, place)));
    const top = niceTop(most);
    this.tops.forEach((label) => (label.textContent = String(top * Number(label.dataset.top))));
    this.bars.replaceChildren(this.#drawBars(days, top));
    this.recorded.replaceChildren(this.#drawRecorded(days, DAY_H * step));
    this.#drawTicks();
    const open = bins.findIndex(({ first, last }) => days.day !== null && first <= days.day && days.day <= last);
    if (isMoved || open >= 0) this.cursor.moveTo((Math.max(open, isMoved ? 0 : open) + 0.5) / bins.length);
    this.cursor.update();
  }

  /**
   * @param {Days} days
   * @param {number} top
   */
  #drawBars({ colorOf, tag: highlighted, day }, top) {
    const box = this.#box();
    const open = this.#bins.findIndex(({ first, last }) => day !== null && first <= day && day <= last);
    if (open >= 0) box.append(svg("rect", { class: "chart-open", x: String(open), y: "0", width: "1", height: "100" }));
    box.append(svg("path", { class: "chart-rule", d: `M0 .5H${this.#bins.length}M0 50H${this.#bins.length}` }));
    const below = this.#bins.map(() => 0);
    for (const { tag, counts } of this.#series) {
      let path = "";
      counts.forEach((count, place) => {
        const height = (100 * count) / top;
        if (count) path += `M${place + 0.12} ${100 - below[place]}v${-height}h.76v${height}z`;
        below[place] += height;
      });
      const faded = highlighted !== null && highlighted !== tag ? " is-faded" : "";
      box.append(svg("path", { class: `tag-fill tag-${colorOf(tag)}${faded}`, d: path }));
    }
    return box;
  }

  /**
   * @param {Days} days
   * @param {number} mostH
   */
  #drawRecorded({ day }, mostH) {
    const box = this.#box();
    const open = this.#bins.findIndex(({ first, last }) => day !== null && first <= day && day <= last);
    if (open >= 0) box.append(svg("rect", { class: "chart-open", x: String(open), y: "0", width: "1", height: "100" }));
    const bars = this.#hours.map((hours, place) => {
      const height = Math.min(100, Math.max(hours > 0 ? 8 : 0, (100 * hours) / mostH));
      return height ? `M${place + 0.12} 0v${height}h.76v${-height}z` : "";
    });
    box.append(svg("path", { class: "chart-recorded", d: bars.join("") }));
    return box;
  }

  #box() {
    const viewBox = `0 0 ${this.#bins.length} 100`;
    return svg("svg", { class: "chart-box", viewBox, preserveAspectRatio: "none", "aria-hidden": "true" });
  }

  #drawTicks() {
    const found = binTicks(this.#bins, Math.min(8, Math.floor(this.stage.clientWidth / TICK_PX)));
    this.ticks.replaceChildren(
      ...found.map(({ place, text }) => {
        const tick = document.createElement("span");
        tick.textContent = text;
        tick.style.left = `${place}%`;
        return tick;
      }),
    );
  }

  /** @param {number} place */
  #textAt(place) {
    const bin = this.#bins[place];
    if (!bin) return "";
    const hours = this.#hours[place];
    const recorded = hours > 0 ? `${hours < 10 ? hours.toFixed(1) : Math.round(hours)} h recorded` : "not recorded";
    const tags = this.#series.filter(({ counts }) => counts[place]).map(({ tag, counts }) => `${tag} ${counts[place]}`);
    return [`${binTitle(bin)}: ${recorded}`, ...tags.reverse()].join(", ");
  }
}

/**
 * @param {CountsByDay} counts
 * @param {string} tag
 * @returns {[string, number][]}
 */
function ofTag(counts, tag) {
  return [...counts].map(([day, tags]) => [day, tags.get(tag) ?? 0]);
}

/**
 * @param {readonly { counts: number[] }[]} series
 * @param {number} place
 */
function sumAt(series, place) {
  return series.reduce((sum, { counts }) => sum + counts[place], 0);
}
