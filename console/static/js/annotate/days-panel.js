// The panel of the days: what was recorded and annotated on each, in a period that can be moved.

import { changedCounts, countsByDay, countsWithEdits, tagTotals } from "./counts.js";
import { DaysChart } from "./days-chart.js";
import { Legend } from "./legend.js";
import { colorsOf } from "./tags.js";
import { dayAfter, dayOf, daysBetween } from "./zoned.js";

/** @typedef {import("./annotations.js").Annotations} Annotations */

const DEFAULT_DAYS = 30;
const RELOAD_MS = 300;

export class DaysPanel {
  /** @type {ReadonlyMap<string, number>} seconds that were recorded, by day */
  recordedS = new Map();
  /** @type {readonly string[]} all tags, the most frequent first */
  tags = [];
  /** @type {Map<string, number>} */
  #colors = new Map();
  /** @type {import("./counts.js").CountsByDay} */
  #counts = new Map();
  /** @type {{ name: string, annotations: number }[]} */
  #known = [];
  #channel = "";
  #days = DEFAULT_DAYS;
  /** @type {string | null} the last day that is shown; null for the newest */
  #last = null;
  #timer = 0;

  /**
   * @param {HTMLElement} root
   * @param {Annotations} annotations
   * @param {{ zone: string, today: string }} options
   * @param {{ onDay: (day: string) => void, onTag: (tag: string) => void, onShown: () => void }} actions
   */
  constructor(root, annotations, { zone, today }, actions) {
    this.annotations = annotations;
    this.today = today;
    this.actions = actions;
    /** @param {string} start */
    this.dayOf = (start) => dayOf(Date.parse(start), zone);
    this.chart = new DaysChart(root, ({ first, last }) => this.#onBin(first, last));
    this.legend = new Legend(/** @type {HTMLElement} */ (root.querySelector(".tag-legend")), actions.onTag);
    this.periods = /** @type {HTMLElement} */ (root.querySelector("#periods"));
    this.periods.addEventListener("click", (event) => this.#onPeriod(event));
    annotations.addEventListener("confirmed", (event) => {
      const { before, after } = /** @type {CustomEvent} */ (event).detail;
      this.#counts = changedCounts(this.#counts, before, after, this.dayOf);
      this.reloadSoon();
    });
    annotations.addEventListener("stale", () => this.reloadSoon());
  }

  /**
   * The color of a tag.
   * @param {string} tag
   */
  colorOf = (tag) => this.#colors.get(tag) ?? 1;

  /** @returns {string | null} the last day that was recorded or annotated */
  get newestDay() {
    return [...this.recordedS.keys(), ...this.#counts.keys()].sort().at(-1) ?? null;
  }

  /**
   * Ask for what there is of a channel.
   * @param {string} channel
   */
  async load(channel) {
    const { api } = this.annotations;
    const [days, counts, known] = await Promise.all([api.days(channel), api.counts(channel), api.tags()]);
    if (this.#channel !== channel) this.#last = null;
    this.#channel = channel;
    this.recordedS = new Map(days.map(({ day, recorded_s: seconds }) => [day, seconds]));
    this.#counts = countsByDay(counts.days);
    this.#known = known;
  }

  /** Ask again how much of each day was recorded. */
  async reloadRecorded() {
    const channel = this.#channel;
    const days = await this.annotations.api.days(channel);
    if (channel === this.#channel) this.recordedS = new Map(days.map(({ day, recorded_s: seconds }) => [day, seconds]));
  }

  /** Count again, as others may have changed something. */
  reloadSoon() {
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(async () => {
      const { api } = this.annotations;
      const channel = this.#channel;
      try {
        const [counts, known] = await Promise.all([api.counts(channel), api.tags()]);
        if (channel !== this.#channel) return;
        this.#counts = countsByDay(counts.days);
        this.#known = known;
        this.actions.onShown();
      } catch {
        // what is shown stays; the page says that the console is away
      }
    }, RELOAD_MS);
  }

  /** @param {string} day that has to be seen */
  reveal(day) {
    const { first, last } = this.#period();
    if (day < first || day > last) this.#last = dayAfter(day, Math.floor((this.#days || DEFAULT_DAYS) / 2));
  }

  /** @param {{ day: string | null, tag: string | null }} chosen */
  show({ day, tag }) {
    const { confirmed, channel, outbox } = this.annotations;
    const counts = countsWithEdits(this.#counts, confirmed, outbox.edits, channel, this.dayOf);
    const totals = tagTotals(counts);
    const frequent = [...totals.map(([name]) => name), ...this.#known.map(({ name }) => name)];
    this.tags = [...new Set(frequent)];
    this.#colors = colorsOf(this.tags);
    this.legend.show(totals, this.colorOf, tag);
    const tags = totals.map(([name]) => name);
    this.chart.show({ ...this.#period(), recordedS: this.recordedS, counts, tags, colorOf: this.colorOf, tag, day });
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (this.periods.querySelectorAll("[data-days]"))) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.days) === this.#days));
    }
  }

  #period() {
    const known = [...this.recordedS.keys(), ...this.#counts.keys()].sort();
    const newest = known.at(-1) ?? this.today;
    if (!this.#days) return { first: known[0] ?? dayAfter(newest, -6), last: newest };
    const last = this.#last ?? newest;
    return { first: dayAfter(last, 1 - this.#days), last };
  }

  /**
   * @param {string} first
   * @param {string} last
   */
  #onBin(first, last) {
    if (first === last) {
      this.actions.onDay(first);
      return;
    }
    this.#days = daysBetween(first, last) + 1;
    this.#last = last;
    this.actions.onShown();
  }

  /** @param {Event} event */
  #onPeriod(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (!button) return;
    const { last } = this.#period();
    if (button.dataset.shift) this.#last = dayAfter(last, Number(button.dataset.shift) * (this.#days || DEFAULT_DAYS));
    if (button.dataset.days) this.#days = Number(button.dataset.days);
    this.actions.onShown();
  }
}
