// The panel of a day: its levels, and the way to the next loud sound.

import { DayChart } from "./day-chart.js";
import { nextAbove, suggestedDb } from "./moments.js";
import { dayAfter, dayStart, dayTitle } from "./zoned.js";

/** @typedef {import("./api.js").Segments} Segments */
/** @typedef {import("./edits.js").Shown} Shown */

const KEY = "tidzam-loud-from-db";
const MOST_DAYS = 31;
const PAUSE_MS = 500;

export class DayPanel {
  /** @type {string | null} */
  day = null;
  /** @type {Segments | null} */
  #segments = null;
  #loads = 0;
  #levelDb = keptLevel();
  #isChosen = this.#levelDb !== null;

  /**
   * @param {HTMLElement} root
   * @param {import("./api.js").AnnotationApi} api
   * @param {string} zone
   * @param {{ onMoment: (atMs: number) => void, onAnnotation: (one: Shown) => void, onShown: () => void }} actions
   */
  constructor(root, api, zone, actions) {
    this.api = api;
    this.zone = zone;
    this.actions = actions;
    this.chart = new DayChart(root, actions);
    this.head = /** @type {HTMLElement} */ (root.querySelector("h2"));
    this.empty = /** @type {HTMLElement} */ (root.querySelector(".chart-empty"));
    this.level = /** @type {HTMLInputElement} */ (root.querySelector("#level"));
    this.levelText = /** @type {HTMLElement} */ (root.querySelector("#level-text"));
    this.level.addEventListener("input", () => {
      this.#isChosen = true;
      this.#setLevel(Number(this.level.value));
      keepLevel(Number(this.level.value));
      actions.onShown();
    });
  }

  /** When the day begins and how long it is. */
  get period() {
    const day = this.day ?? "1970-01-01";
    const startMs = dayStart(day, this.zone);
    return { startMs, durationMs: dayStart(dayAfter(day, 1), this.zone) - startMs };
  }

  /**
   * Load the segments of a day. Recordings that were not read yet are asked for again.
   * @param {string} channel
   * @param {string} day
   */
  async load(channel, day) {
    const number = ++this.#loads;
    this.day = day;
    this.#segments = null;
    this.#say("Loading\u2026");
    try {
      for (;;) {
        const segments = await this.api.segments(channel, day);
        if (number !== this.#loads) return;
        this.#take(segments);
        if (segments.is_complete) return;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    } catch (error) {
      if (number === this.#loads) this.#say(error instanceof Error ? error.message : "It cannot be loaded.");
    }
  }

  /**
   * Show what was recorded of the day since it was loaded.
   * @param {string} channel
   * @returns {Promise<boolean>} whether there is more
   */
  async refresh(channel) {
    const number = this.#loads;
    const known = this.#segments;
    if (!this.day || !known) return false;
    const segments = await this.api.segments(channel, this.day);
    if (number !== this.#loads || segments.items.length === known.items.length) return false;
    this.#take(segments);
    return true;
  }

  /** @param {Segments} segments */
  #take(segments) {
    const { items, is_complete: isComplete } = segments;
    this.#segments = segments;
    if (!this.#isChosen && items.length) this.#setLevel(suggestedDb(items));
    this.#say(items.length ? "" : isComplete ? "Nothing was recorded on this day." : "Reading the recordings\u2026");
    this.actions.onShown();
  }

  /**
   * @param {{ annotations: readonly Shown[], colorOf: (tag: string) => number, tag: string | null,
   *   window: { startMs: number, endMs: number } | null }} shown
   */
  show(shown) {
    if (!this.day) return;
    this.head.textContent = dayTitle(this.day);
    const { startMs, durationMs } = this.period;
    const annotations = shown.annotations.filter(
      ({ start, end }) => Date.parse(start) < startMs + durationMs && Date.parse(end) > startMs,
    );
    const day = { startMs, durationMs, zone: this.zone, segments: this.#segments, levelDb: this.#levelDb ?? -30 };
    this.chart.show({ ...day, ...shown, annotations });
  }

  /**
   * The next loud segment, or the one before: of this day, or of the next one that has any.
   * @param {string} channel
   * @param {ReadonlyMap<string, number>} recordedS
   * @param {{ atMs: number | null, lengthS: number, by: 1 | -1 }} from
   * @returns {Promise<number | null>} its middle
   */
  async findLoud(channel, recordedS, { atMs, lengthS, by }) {
    const days = [...recordedS.keys()].sort();
    const present = this.day ?? "";
    const others = by > 0 ? days.filter((day) => day > present) : days.filter((day) => day < present).reverse();
    const { startMs, durationMs } = this.period;
    const isWithin = atMs !== null && atMs >= startMs && atMs < startMs + durationMs;
    const from = isWithin ? atMs : by > 0 ? startMs : startMs + durationMs;
    for (const day of [present, ...others.slice(0, MOST_DAYS)]) {
      const segments = day === present ? this.#segments : await this.api.segments(channel, day);
      if (!segments) continue;
      const segmentMs = segments.segment_s * 1000;
      const awayMs = day === present && isWithin ? Math.max(segmentMs, lengthS * 1000) * 0.75 : 0;
      const start = day === present ? from : by > 0 ? -Infinity : Infinity;
      const found = nextAbove(segments.items, segmentMs, this.#levelDb ?? -30, { atMs: start, awayMs, by });
      if (found !== null) return found;
    }
    return null;
  }

  /** @param {number} db */
  #setLevel(db) {
    this.#levelDb = db;
    this.level.value = String(db);
    const text = `${db < 0 ? "\u2212" : ""}${Math.abs(db)} dBFS`;
    this.levelText.textContent = text;
    this.level.setAttribute("aria-valuetext", text);
  }

  /** @param {string} text */
  #say(text) {
    this.empty.textContent = text;
    this.empty.hidden = text === "";
    if (this.#levelDb !== null) this.#setLevel(this.#levelDb);
  }
}

/** @returns {number | null} */
function keptLevel() {
  try {
    const level = Number.parseInt(localStorage.getItem(KEY) ?? "", 10);
    return level >= -60 && level <= 0 ? level : null;
  } catch {
    return null; // the browser forbids storage
  }
}

/** @param {number} db */
function keepLevel(db) {
  try {
    localStorage.setItem(KEY, String(db));
  } catch {
    // the choice lasts as long as the page
  }
}
