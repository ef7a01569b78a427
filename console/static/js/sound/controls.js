// The buttons and fields below the spectrogram.

import { COLOR_MAPS } from "./colors.js";
import { HELP } from "./keys.js";
import { make } from "./layer.js";
import { dbText } from "./ticks.js";

/** @typedef {import("./sound-view.js").SoundView} SoundView */

const SPEEDS = [0.1, 0.2, 0.25, 0.5, 0.75, 1, 1.5, 2];
const SIZES = [128, 256, 512, 1024, 2048, 4096, 8192];
const RANGES_DB = [30, 40, 50, 60, 70, 80, 90, 100];
const SPRITE = new URL("../../icons.svg", import.meta.url).href;
const SVG = "http://www.w3.org/2000/svg";

/** @param {string} name */
function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

/**
 * @param {string} name of its icon
 * @param {string} title
 * @param {() => void} onClick
 * @param {string} [text]
 */
function button(name, title, onClick, text = "") {
  const element = /** @type {HTMLButtonElement} */ (make("button", `button compact ${text ? "" : "sound-icon"}`));
  element.type = "button";
  element.title = title;
  element.append(icon(name));
  if (text) element.append(make("span", "", text));
  else element.setAttribute("aria-label", title);
  element.addEventListener("click", onClick);
  return element;
}

/**
 * @param {string} label
 * @param {readonly [string, string][]} options values and texts
 * @param {string} chosen
 * @param {(value: string) => void} onChange
 * @param {boolean} [isShort] whether the label is only read out
 */
function select(label, options, chosen, onChange, isShort = false) {
  const element = /** @type {HTMLSelectElement} */ (make("select", "compact"));
  element.append(...options.map(([value, text]) => new Option(text, value, false, value === chosen)));
  element.addEventListener("change", () => onChange(element.value));
  const field = make("label", "sound-field");
  field.append(make("span", isShort ? "visually-hidden" : "", label), element);
  return { field, element };
}

export class Controls {
  gain = /** @type {HTMLInputElement} */ (make("input", "sound-gain"));
  gainText = make("output", "sound-gain-text number", dbText(0));

  /**
   * @param {SoundView} owner
   * @param {HTMLElement} root
   */
  constructor(owner, root) {
    this.owner = owner;
    const { playback } = owner;
    this.play = button("play", "Play (Space)", () => playback.toggle());
    this.play.classList.add("primary", "sound-play");
    this.loop = button("loop", "Repeat (L)", () => playback.setLoop(!playback.isLooping));
    this.part = button("play-part", "Play the selection (Enter)", () => playback.playSelection(), "Selection");
    this.band = button("band", "Only the band of the selection (B)", () => playback.setBandOnly(!playback.isBandOnly), "Band");
    this.touch = button("select", "Select with one finger", () => owner.setTouchSelects(!owner.touchSelects));
    this.touch.classList.add("sound-touch");
    const speeds = SPEEDS.map((speed) => /** @type {[string, string]} */ ([String(speed), `${speed}\u00d7`]));
    this.speed = select("Speed", speeds, "1", (value) => playback.setSpeed(Number(value)), true);
    this.size = select("Window", SIZES.map((size) => [String(size), `${size} samples`]), "", (value) =>
      owner.setWindowSize(Number(value)),
    );
    this.range = select("Range", RANGES_DB.map((db) => [String(db), `${db} dB`]), "60", (value) =>
      owner.setColors({ rangeDb: Number(value) }),
    );
    this.colors = select("Colors", COLOR_MAPS.map(({ name, title }) => [name, title]), "", (value) =>
      owner.setColors({ map: value }),
    );
    root.replaceChildren(
      this.#group("Playback", this.play, this.loop, this.part, this.band, this.touch, this.speed.field),
      this.#volume(),
      this.#zoom(),
      ...this.#settings(),
    );
  }

  /**
   * @param {string} label
   * @param {HTMLElement[]} elements
   */
  #group(label, ...elements) {
    const group = make("div", "sound-group");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", label);
    group.append(...elements);
    return group;
  }

  #volume() {
    const { playback } = this.owner;
    const automatic = button("normalize", "Volume: bring the loudest part to full scale", () => playback.normalize(), "Auto");
    Object.assign(this.gain, { type: "range", min: "-20", max: "60", step: "1", value: "0" });
    this.gain.setAttribute("aria-label", "Gain in dB");
    this.gain.addEventListener("input", () => playback.setGain(Number(this.gain.value)));
    const field = make("span", "sound-gain-field");
    field.append(this.gain, this.gainText);
    return this.#group("Volume", automatic, field);
  }

  #zoom() {
    const { owner } = this;
    return this.#group(
      "Zoom",
      button("time-out", "Show a longer time (\u2212)", () => owner.zoomBy({ time: 1 / 1.5 })),
      button("time-in", "Show a shorter time (+)", () => owner.zoomBy({ time: 1.5 })),
      button("frequency-out", "Show more frequencies (Shift \u2212)", () => owner.zoomBy({ frequency: 1 / 1.5 })),
      button("frequency-in", "Show fewer frequencies (Shift +)", () => owner.zoomBy({ frequency: 1.5 })),
      button("show-all", "Show all (0)", () => owner.showAll()),
    );
  }

  #settings() {
    const toggle = button("settings", "Settings of the spectrogram, and keys", () => {
      panel.hidden = !panel.hidden;
      toggle.setAttribute("aria-expanded", String(!panel.hidden));
    });
    toggle.classList.add("sound-more");
    toggle.setAttribute("aria-expanded", "false");
    const panel = make("div", "sound-panel");
    panel.hidden = true;
    const keys = make("dl", "sound-keys");
    for (const [key, action] of HELP) {
      const name = make("dt", "");
      name.append(make("kbd", "", key));
      const row = make("div", "");
      row.append(name, make("dd", "", action));
      keys.append(row);
    }
    panel.append(this.size.field, this.range.field, this.colors.field, keys);
    return [toggle, panel];
  }

  /** Show the state of the owner. */
  update() {
    const { owner } = this;
    const { playback } = owner;
    const isPlaying = playback.isPlaying;
    this.play.querySelector("use")?.setAttribute("href", `${SPRITE}#${isPlaying ? "pause" : "play"}`);
    this.play.title = isPlaying ? "Pause (Space)" : "Play (Space)";
    this.play.setAttribute("aria-label", this.play.title);
    this.loop.setAttribute("aria-pressed", String(playback.isLooping));
    this.band.setAttribute("aria-pressed", String(playback.isBandOnly));
    this.touch.setAttribute("aria-pressed", String(owner.touchSelects));
    this.part.disabled = owner.selection === null;
    this.speed.element.value = String(playback.speed);
    this.gain.value = String(Math.round(playback.gainDb));
    this.gainText.textContent = dbText(playback.gainDb);
    this.size.element.value = String(owner.windowSize);
    this.range.element.value = String(owner.rangeDb);
    this.colors.element.value = owner.colors.name;
  }
}
