// What is shown: a channel, a day and a moment, with the annotations of the day. It is kept in the address of the page.

import { readPlace, readProposal, writePlace } from "./address.js";
import { Annotations } from "./annotations.js";
import { AnnotationApi } from "./api.js";
import { Conflicts } from "./conflicts.js";
import { middleMs } from "./day-chart.js";
import { DayPanel } from "./day-panel.js";
import { DaysPanel } from "./days-panel.js";
import { ImportForm, showExports } from "./exchange.js";
import { FaultNote } from "./fault-note.js";
import { KeptEdits } from "./kept-edits.js";
import { MomentPanel } from "./moment-panel.js";
import { Outbox } from "./outbox.js";
import { dayOf } from "./zoned.js";
import { say } from "../detections/judge.js";
import { lastChannel } from "../last-channel.js";

/**
 * @param {string} id
 * @returns {any}
 */
const part = (id) => document.getElementById(id);
const MARGIN_MS = 120_000; // windows may reach beyond the day

/**
 * Scroll to a panel if little of it is seen.
 * @param {HTMLElement} panel
 */
function reveal(panel) {
  if (panel.getBoundingClientRect().top > window.innerHeight * 0.6) panel.scrollIntoView({ block: "start" });
}

export class Annotator {
  place = readPlace(window.location.search);

  /** @param {HTMLElement} root */
  constructor(root) {
    const { api = "", csrf = "", user = "", zone = "UTC", today = "", mayAnnotate, sprite = "", search = "" } = root.dataset;
    this.base = api;
    this.zone = zone;
    this.today = today;
    this.isEditable = mayAnnotate === "yes";
    this.api = new AnnotationApi(api, csrf);
    this.outbox = new Outbox(this.api, new KeptEdits(user), user);
    this.annotations = new Annotations(this.api, this.outbox);
    this.days = new DaysPanel(part("days"), this.annotations, { zone, today }, {
      onDay: (day) => void this.openDay(day),
      onTag: (tag) => this.highlight(tag),
      onShown: () => this.show(),
    });
    this.day = new DayPanel(part("day"), this.api, zone, {
      onMoment: (atMs) => {
        void this.openMoment(atMs);
        reveal(part("moment"));
      },
      onAnnotation: (one) => {
        this.openAnnotation(one);
        reveal(part("moment"));
      },
      onShown: () => this.show(),
    });
    this.moment = new MomentPanel(this.annotations, this.days, { api, search, zone, sprite, isEditable: this.isEditable, say });
    this.conflicts = new Conflicts(part("conflicts"), zone, (conflict, isMine) => this.outbox.resolve(conflict, isMine));
    this.note = new FaultNote(part("fault"), this.outbox);
    this.importForm = this.isEditable ? this.#importForm() : null;
    this.annotations.addEventListener("change", () => this.show());
    this.outbox.addEventListener("refused", (event) => say(/** @type {CustomEvent} */ (event).detail.message, true));
  }

  #importForm() {
    return new ImportForm({ form: part("import-form"), result: part("import-result") }, this.api, {
      zone: this.zone,
      channel: () => this.place.channel ?? "",
      onDone: () => void this.reload(),
    });
  }

  /** Show everything as it is now. */
  show() {
    const { place, annotations, days } = this;
    days.show(place);
    if (place.tag !== null && days.tags.length && !days.tags.includes(place.tag)) place.tag = null;
    const { window: shown } = this.moment.macro;
    this.day.show({ annotations: annotations.shown, colorOf: days.colorOf, tag: place.tag, window: shown });
    this.moment.refresh();
    this.conflicts.show(this.outbox.conflicts);
    this.note.show();
    const query = `?${writePlace(place)}`;
    if (query !== window.location.search) window.history.replaceState(null, "", query);
  }

  /**
   * Show what the address of the page names.
   * @param {readonly string[]} channels
   */
  async openPlace(channels) {
    const proposal = readProposal(window.location.search);
    const { channel, atMs } = this.place;
    const isKnown = channel !== null && channels.includes(channel);
    if (channel !== null && !isKnown) {
      say(`This node has no channel ${channel}`, true);
      Object.assign(this.place, { day: null, atMs: null });
    }
    if (proposal && isKnown && atMs !== null) {
      this.moment.macro.propose(proposal);
      this.moment.tagBar?.propose(proposal.tag);
    }
    await this.openChannel(isKnown ? channel : (lastChannel(channels) ?? channels[0]));
    if (proposal) reveal(part("moment"));
  }

  /** @param {string} channel */
  async openChannel(channel) {
    const { place } = this;
    place.channel = channel;
    part("channel").value = channel;
    this.moment.close();
    await this.#reported(this.days.load(channel));
    if (place.atMs !== null) place.day = dayOf(place.atMs, this.zone);
    await this.openDay(place.day ?? this.days.newestDay ?? this.today, place.atMs);
  }

  /**
   * @param {string} wanted
   * @param {number | null} [atMs]
   */
  async openDay(wanted, atMs = null) {
    const { place, day, moment } = this;
    const { channel } = place;
    if (!channel) return;
    Object.assign(place, { day: wanted, atMs });
    this.days.reveal(wanted);
    if (atMs === null) moment.close();
    else moment.open(channel, atMs, place.lengthS);
    this.importForm?.propose(wanted);
    showExports(part("exports"), { api: this.base, channel, day: wanted, zone: this.zone });
    const segments = day.load(channel, wanted);
    this.show();
    const { startMs, durationMs } = day.period;
    const found = this.annotations.load(channel, startMs - MARGIN_MS, startMs + durationMs + MARGIN_MS);
    await Promise.all([segments, this.#reported(found)]);
    this.show();
  }

  /**
   * Show the sound around a time, of another day if need be.
   * @param {number} atMs
   */
  async openMoment(atMs) {
    const { place } = this;
    const wanted = dayOf(atMs, this.zone);
    if (wanted !== place.day) {
      await this.openDay(wanted, atMs);
      return;
    }
    place.atMs = atMs;
    if (place.channel) this.moment.open(place.channel, atMs, place.lengthS);
    this.show();
  }

  /** @param {import("./edits.js").Shown} one */
  openAnnotation(one) {
    void this.openMoment(middleMs(one));
    this.moment.macro.choose(one.key);
  }

  /**
   * Show the next loud sound, or the one before.
   * @param {1 | -1} by
   */
  async openLoud(by) {
    const { channel, atMs, lengthS } = this.place;
    if (!channel) return;
    const found = await this.#reported(this.day.findLoud(channel, this.days.recordedS, { atMs, lengthS, by }));
    if (found) await this.openMoment(found);
    else if (found === null) say(`There is no ${by > 0 ? "later" : "earlier"} sound at this level`);
  }

  /** @param {1 | -1} by */
  moveWindow(by) {
    const { atMs, lengthS } = this.place;
    if (atMs !== null) void this.openMoment(atMs + by * lengthS * 1000);
  }

  /** @param {number} lengthS */
  setLength(lengthS) {
    this.place.lengthS = lengthS;
    if (this.place.atMs !== null) void this.openMoment(this.place.atMs);
  }

  /** @param {string} tag that is highlighted, or no longer */
  highlight(tag) {
    this.place.tag = this.place.tag === tag ? null : tag;
    this.show();
  }

  /** Ask for everything again: something may have been missed. */
  async reload() {
    const { channel } = this.place;
    if (channel) await this.#reported(Promise.all([this.days.load(channel), this.annotations.reload()]));
    this.show();
  }

  /** Show what was recorded meanwhile, if the day that is shown still goes on. */
  async follow() {
    const { channel, day } = this.place;
    if (!channel || document.visibilityState !== "visible" || day !== dayOf(Date.now(), this.zone)) return;
    try {
      if (!(await this.day.refresh(channel))) return;
      await this.days.reloadRecorded();
      this.show();
    } catch {
      // the page says that the console is away
    }
  }

  /** @param {boolean} isAway whether the console does not answer */
  setAway(isAway) {
    this.note.isAway = isAway;
    this.note.show();
    if (!isAway && this.outbox.fault) this.outbox.send();
  }

  /**
   * The result of some work; if it fails, that is said.
   * @template T
   * @param {Promise<T>} work
   * @returns {Promise<T | undefined>}
   */
  async #reported(work) {
    try {
      return await work;
    } catch (error) {
      say(error instanceof Error ? error.message : String(error), true);
      return undefined;
    }
  }
}
