// What lies over the spectrogram: marks, gaps, the selection and the playhead, as elements that can be read and focused.

import { clock, hzRange, timeText } from "./ticks.js";
import { xOf, yOf } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./box.js").Box} Box */
/** @typedef {{ startMs: number | null, zone: string }} When */

/**
 * @typedef {object} Mark A detection or an annotation. Without frequencies it has the whole height.
 * @property {string} id
 * @property {number} startS
 * @property {number} endS
 * @property {number} [lowHz]
 * @property {number} [highHz]
 * @property {string} label
 * @property {"detection" | "annotation" | "right" | "wrong"} [kind]
 */

/** @typedef {{ startS: number, durationS: number }} Gap */

export const HANDLES = ["top left", "top", "top right", "right", "bottom right", "bottom", "bottom left", "left"];

/**
 * An element with a class.
 * @param {string} name
 * @param {string} kind
 * @param {string} [text]
 * @returns {HTMLElement}
 */
export function make(name, kind, text = "") {
  const element = document.createElement(name);
  element.className = kind;
  element.textContent = text;
  return element;
}

/**
 * Put an element over a part of the view.
 * @param {HTMLElement} element
 * @param {View} view
 * @param {Box} box
 */
export function place(element, view, box) {
  const left = xOf(view, box.startS);
  const top = yOf(view, box.highHz);
  element.style.left = `${left * 100}%`;
  element.style.width = `${(xOf(view, box.endS) - left) * 100}%`;
  element.style.top = `${top * 100}%`;
  element.style.height = `${(yOf(view, box.lowHz) - top) * 100}%`;
  const isSeen = box.endS > view.startS && box.startS < view.endS && box.highHz > view.lowHz && box.lowHz < view.highHz;
  element.hidden = !isSeen;
  element.classList.toggle("low", top > 0.12);
}

export class Layer {
  /** @type {[Box, HTMLElement][]} */
  #placed = [];
  /** @type {Box | null} */
  #selection = null;

  /**
   * @param {HTMLElement} root
   * @param {When} when
   */
  constructor(root, when) {
    this.root = root;
    this.when = when;
    this.marks = make("div", "sound-marks");
    this.playhead = make("div", "sound-playhead");
    this.box = make("div", "sound-selection");
    this.box.tabIndex = 0;
    this.box.hidden = true;
    this.box.setAttribute("role", "group");
    this.box.setAttribute("aria-roledescription", "selection");
    for (const edges of HANDLES) {
      const handle = make("span", `sound-handle ${edges}`);
      handle.dataset.edges = edges;
      this.box.append(handle);
    }
    root.replaceChildren(this.box, this.marks, this.playhead);
  }

  /**
   * @param {readonly Mark[]} marks
   * @param {readonly Gap[]} gaps
   * @param {number} maxHz
   * @param {(mark: Mark) => void} onMark
   */
  setMarks(marks, gaps, maxHz, onMark) {
    this.#placed = gaps.map(({ startS, durationS }) => {
      const element = make("div", "sound-gap");
      element.append(make("span", "sound-gap-label", "Not recorded"));
      return [{ startS, endS: startS + durationS, lowHz: 0, highHz: maxHz }, element];
    });
    for (const mark of marks) {
      const box = { startS: mark.startS, endS: mark.endS, lowHz: mark.lowHz ?? 0, highHz: mark.highHz ?? maxHz };
      const element = make("div", `sound-mark ${mark.kind ?? "detection"}`);
      const label = make("button", "sound-mark-label", mark.label);
      label.setAttribute("type", "button");
      label.setAttribute("aria-label", `${mark.label}, ${this.describe(box)}`);
      label.addEventListener("click", () => onMark(mark));
      element.append(label);
      element.classList.toggle("whole", mark.lowHz === undefined);
      this.#placed.push([box, element]);
    }
    this.marks.replaceChildren(...this.#placed.map(([, element]) => element));
  }

  /**
   * @param {Box | null} selection
   * @returns {string} its description
   */
  setSelection(selection) {
    this.#selection = selection;
    this.box.hidden = selection === null;
    if (!selection) return "";
    const text = this.describe(selection);
    this.box.setAttribute("aria-label", `Selection, ${text}`);
    return text;
  }

  /** @param {View} view */
  show(view) {
    for (const [box, element] of this.#placed) place(element, view, box);
    if (this.#selection) place(this.box, view, this.#selection);
  }

  /**
   * @param {View} view
   * @param {number} timeS
   */
  showPlayhead(view, timeS) {
    const x = xOf(view, timeS);
    this.playhead.hidden = x < 0 || x > 1;
    this.playhead.style.left = `${x * 100}%`;
  }

  /** @param {Box} box */
  describe({ startS, endS, lowHz, highHz }) {
    const { startMs, zone } = this.when;
    const from = startMs === null ? startS.toFixed(2) : clock(startMs + startS * 1000, zone, 2);
    return `${from}\u2013${timeText(endS, this.when, 2)}, ${hzRange(lowHz, highHz)}`;
  }
}
