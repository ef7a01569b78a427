// The chart of a day: how loud its segments were, and its annotations as lines.

import { drawTimes } from "../sound/scales.js";
import { clock } from "../sound/ticks.js";
import { ChartCursor, svg } from "./chart-cursor.js";
import { columnsOf, dbOf, FLOOR_DB } from "./moments.js";

/** @typedef {import("./edits.js").Shown} Shown */
/** @typedef {import("./api.js").Segments} Segments */

/**
 * @typedef {object} Day What the chart shows.
 * @property {number} startMs
 * @property {number} durationMs
 * @property {string} zone
 * @property {Segments | null} segments null while they are loaded
 * @property {readonly Shown[]} annotations
 * @property {(tag: string) => number} colorOf
 * @property {string | null} tag that is highlighted
 * @property {number} levelDb
 * @property {{ startMs: number, endMs: number } | null} window that is shown closely
 */

const COLUMNS = 480;
const NEAR_PX = 5;

export class DayChart {
  /** @type {Day | null} */
  #day = null;
  /** @type {(import("./moments.js").Column | null)[]} */
  #columns = [];

  /**
   * @param {HTMLElement} root
   * @param {{ onMoment: (atMs: number) => void, onAnnotation: (one: Shown) => void }} actions
   */
  constructor(root, actions) {
    this.actions = actions;
    this.stage = /** @type {HTMLElement} */ (root.querySelector(".chart-stage"));
    this.plot = /** @type {HTMLElement} */ (root.querySelector("[data-plot]"));
    this.ticks = /** @type {HTMLElement} */ (root.querySelector(".sound-times"));
    const readout = /** @type {HTMLElement} */ (root.querySelector(".chart-readout"));
    this.cursor = new ChartCursor(this.stage, readout, {
      steps: () => (this.#day?.segments ? COLUMNS : 0),
      textAt: (place) => this.#textAt(place),
      onPick: (place) => this.#pick(place),
    });
  }

  /** @param {Day} day */
  show(day) {
    if (day.segments !== this.#day?.segments || day.startMs !== this.#day?.startMs) {
      const { segment_s: lengthS = 1, items = [] } = day.segments ?? {};
      this.#columns = columnsOf(items, lengthS * 1000, day, COLUMNS);
    }
    this.#day = day;
    this.plot.replaceChildren(this.#draw(day));
    const when = { startMs: day.startMs, zone: day.zone };
    drawTimes(this.ticks, { startS: 0, endS: day.durationMs / 1000, lowHz: 0, highHz: 1 }, when);
    if (day.window) this.cursor.moveTo(((day.window.startMs + day.window.endMs) / 2 - day.startMs) / day.durationMs);
    this.cursor.update();
  }

  /** @param {Day} day */
  #draw({ startMs, durationMs, annotations, colorOf, tag, levelDb, window }) {
    const viewBox = `0 0 ${COLUMNS} 100`;
    const box = svg("svg", { class: "chart-box", viewBox, preserveAspectRatio: "none", "aria-hidden": "true" });
    /** @param {number} ms */
    const xOf = (ms) => Number((((ms - startMs) / durationMs) * COLUMNS).toFixed(2));
    const level = yOf(levelDb);
    const bars = this.#columns.map((column, place) => (column ? barOf(place, yOf(dbOf(column.amp))) : ""));
    box.append(svg("path", { class: "chart-amplitude", d: bars.join("") }));
    box.append(svg("path", { class: "chart-level", d: `M0 ${level}H${COLUMNS}` }));
    for (const [color, isFaded, group] of grouped(annotations, colorOf, tag)) {
      const lines = group.map((one) => `M${xOf(middleMs(one))} 0V100`).join("");
      box.append(svg("path", { class: `tag-line tag-${color}${isFaded ? " is-faded" : ""}`, d: lines }));
    }
    if (window) {
      const x = xOf((window.startMs + window.endMs) / 2);
      box.append(svg("path", { class: "chart-window", d: `M${x} 0v9M${x} 91v9` }));
    }
    return box;
  }

  /** @param {number} place */
  #pick(place) {
    const day = this.#day;
    if (!day?.segments) return;
    const near = this.#annotationAt(place, day);
    const column = this.#columns[Math.floor(place * COLUMNS)];
    if (near) this.actions.onAnnotation(near);
    else this.actions.onMoment(column?.centerMs ?? day.startMs + place * day.durationMs);
  }

  /**
   * @param {number} place
   * @param {Day} day
   * @returns {Shown | null}
   */
  #annotationAt(place, { startMs, durationMs, annotations, tag }) {
    const nearMs = (NEAR_PX / Math.max(1, this.stage.clientWidth)) * durationMs;
    const atMs = startMs + place * durationMs;
    let found = null;
    let leastMs = nearMs;
    for (const one of annotations) {
      const awayMs = Math.abs(middleMs(one) - atMs);
      if ((tag === null || one.tag === tag) && awayMs <= leastMs) {
        found = one;
        leastMs = awayMs;
      }
    }
    return found;
  }

  /** @param {number} place */
  #textAt(place) {
    const day = this.#day;
    if (!day) return "";
    const near = this.#annotationAt(place, day);
    if (near) return `${clock(Date.parse(near.start), day.zone, 0)}: ${near.tag}`;
    const column = this.#columns[Math.floor(place * COLUMNS)];
    if (!column) return `${clock(day.startMs + place * day.durationMs, day.zone, -1)}: not recorded`;
    const db = dbOf(column.amp);
    const level = db <= FLOOR_DB ? `below \u2212${-FLOOR_DB} dBFS` : `${db < 0 ? "\u2212" : ""}${Math.abs(Math.round(db))} dBFS`;
    return `${clock(column.centerMs, day.zone, 0)}: ${level}`;
  }
}

/** @param {Shown} one */
export function middleMs({ start, end }) {
  return (Date.parse(start) + Date.parse(end)) / 2;
}

/** @param {number} db */
function yOf(db) {
  return Number(((100 * db) / FLOOR_DB).toFixed(2));
}

/**
 * A bar from the bottom up to `y`; what was recorded is seen also if it was silent.
 * @param {number} place
 * @param {number} y
 */
function barOf(place, y) {
  return `M${place} 100V${Math.min(y, 98.5)}h1V100z`;
}

/**
 * @param {readonly Shown[]} annotations
 * @param {(tag: string) => number} colorOf
 * @param {string | null} highlighted
 * @returns {[number, boolean, Shown[]][]} color, whether it is faded, and the annotations; the faded first
 */
function grouped(annotations, colorOf, highlighted) {
  /** @type {Map<string, Shown[]>} */
  const groups = new Map();
  for (const one of annotations) {
    const group = groups.get(one.tag);
    if (group) group.push(one);
    else groups.set(one.tag, [one]);
  }
  return [...groups]
    .map(([tag, group]) => /** @type {[number, boolean, Shown[]]} */ ([colorOf(tag), highlighted !== null && tag !== highlighted, group]))
    .sort((a, b) => Number(b[1]) - Number(a[1]));
}
