// The page "label next": one sound after the other, answered by keyboard.

import { isForPage } from "../keyboard.js";
import { annotate, say } from "./annotate.js";
import { showAnnotations } from "./annotations.js";

/** @typedef {{ channel: string, start: string, end: string, uncertainty: number, novelty: number, likeliest: string | null }} NextSound */

const MARGIN_S = 1;

class LabelNext {
  /** @type {NextSound[]} */
  #sounds = [];
  /** @type {Map<string, string>} by the time and channel of a sound, its answer */
  #answers = new Map();
  #at = 0;
  #draw = 0;
  #loads = 0;

  /** @param {HTMLElement} panel */
  constructor(panel) {
    this.panel = panel;
    this.form = /** @type {HTMLFormElement} */ (panel.querySelector("#label-form"));
    this.head = /** @type {HTMLElement} */ (panel.querySelector("#label-head"));
    this.why = /** @type {HTMLElement} */ (panel.querySelector("#label-why"));
    this.place = /** @type {HTMLElement} */ (panel.querySelector("#label-sound"));
    this.annotated = /** @type {HTMLElement} */ (panel.querySelector("#label-annotated"));
    this.field = /** @type {HTMLInputElement} */ (panel.querySelector("#new-tag input"));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.load();
    });
    panel.addEventListener("click", (event) => this.#onClick(event));
    panel.querySelector("#new-tag")?.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.answer(this.field.value.trim());
    });
    document.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Load the sounds that teach most with what is annotated by now. */
  async load() {
    const number = ++this.#loads;
    const query = new URLSearchParams({ draw: String(this.#draw++) });
    for (const [name, value] of new FormData(this.form)) if (value) query.set(name, String(value));
    this.head.textContent = "Loading";
    try {
      const response = await fetch(`${this.panel.dataset.next}?${query}`);
      const body = await response.json();
      if (number !== this.#loads) return;
      if (!response.ok) throw new Error(body?.error?.message);
      this.#sounds = body.items.filter((/** @type {NextSound} */ one) => !this.#answers.has(keyOf(one)));
      this.#at = 0;
      this.show();
    } catch (error) {
      this.#sounds = [];
      this.place.replaceChildren();
      this.head.textContent = "Nothing to label";
      this.why.textContent = (error instanceof Error && error.message) || "The console does not answer.";
    }
  }

  show() {
    const sound = this.#sounds[this.#at];
    this.annotated.replaceChildren();
    if (!sound) {
      this.place.replaceChildren();
      this.head.textContent = this.#sounds.length ? "All of these are done" : "Nothing to label";
      this.why.textContent = "Choose Show for the next ones.";
      return;
    }
    const answer = this.#answers.get(keyOf(sound));
    this.head.textContent = `${this.#at + 1} of ${this.#sounds.length}${answer ? `: ${answer}` : ""}`;
    const percent = (/** @type {number} */ share) => `${Math.round(100 * share)} %`;
    const name = sound.likeliest ? `, likeliest ${sound.likeliest}` : "";
    this.why.textContent = `${sound.channel}: ${percent(sound.uncertainty)} uncertain${name}, ${percent(sound.novelty)} novel`;
    this.place.replaceChildren(this.#view(sound));
  }

  /** @param {number} step */
  move(step) {
    this.#at = Math.min(Math.max(0, this.#at + step), this.#sounds.length);
    if (this.#at === this.#sounds.length && this.#sounds.length) void this.load();
    else this.show();
  }

  /**
   * Annotate the present sound, and go on to the next.
   * @param {string} tag
   */
  async answer(tag) {
    const sound = this.#sounds[this.#at];
    if (!sound || !tag || this.#answers.has(keyOf(sound))) return;
    this.#answers.set(keyOf(sound), tag);
    const { channel, start, end } = sound;
    const fault = await annotate(this.panel, { channel, start, end }, tag);
    if (fault) this.#answers.delete(keyOf(sound));
    say(fault || `Annotated: ${tag}`);
    if (fault) this.why.textContent = fault;
    else if (sound === this.#sounds[this.#at]) this.move(1);
  }

  /** @param {NextSound} sound */
  #view(sound) {
    const view = document.createElement("sound-view");
    const first = Date.parse(sound.start) - 1000 * MARGIN_S;
    const length = (Date.parse(sound.end) - Date.parse(sound.start)) / 1000 + 2 * MARGIN_S;
    const query = new URLSearchParams({
      channel: sound.channel,
      start: new Date(first).toISOString(),
      duration_s: length.toFixed(3),
    });
    view.setAttribute("src", `${this.panel.dataset.sound}?${query}`);
    view.setAttribute("zone", this.panel.dataset.zone ?? "UTC");
    view.setAttribute("label", sound.channel);
    view.setAttribute("selectable", "false");
    view.addEventListener("sound-ready", () => {
      const shown = /** @type {import("../sound/sound-view.js").SoundView} */ (view);
      void showAnnotations(shown, this.panel.dataset.api ?? "", sound.channel, this.annotated);
    });
    return view;
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const button = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("button"));
    if (button?.dataset.tag) void this.answer(button.dataset.tag);
    else if (button?.dataset.move) this.move(Number(button.dataset.move));
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.ctrlKey || event.metaKey || !isForPage(event)) return;
    if (event.key === "s" || event.key === "j") this.move(1);
    else if (event.key === "k") this.move(-1);
    else if (event.key === "b") void this.answer("background");
    else if (event.key === "t") this.field.focus();
    else if (event.key === "p") /** @type {any} */ (this.place.querySelector("sound-view"))?.playback?.toggle?.();
    else if (/^[1-9]$/.test(event.key)) this.#tagButton(event.key)?.click();
    else return;
    event.preventDefault();
  }

  /** @param {string} key */
  #tagButton(key) {
    return /** @type {HTMLElement | null} */ (this.panel.querySelector(`[data-tag][aria-keyshortcuts="${key}"]`));
  }
}

/** @param {NextSound} sound */
function keyOf(sound) {
  return `${sound.channel} ${sound.start}`;
}

const panel = document.getElementById("label-next");
if (panel) void new LabelNext(panel).load();
