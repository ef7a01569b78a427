// What all charts of the page do: they read out what is under the pointer, and are sliders for the keyboard.

const KEYS = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

/**
 * @typedef {object} CursorActions
 * @property {() => number} steps how many places the keyboard reaches
 * @property {(place: number) => string} textAt what is at a place, a fraction of the width
 * @property {(place: number) => void} onPick
 */

export class ChartCursor {
  #step = 0;

  /**
   * @param {HTMLElement} stage
   * @param {HTMLElement} readout
   * @param {CursorActions} actions
   */
  constructor(stage, readout, actions) {
    this.stage = stage;
    this.readout = readout;
    this.actions = actions;
    this.line = document.createElement("span");
    this.line.className = "chart-cursor";
    stage.append(this.line);
    stage.tabIndex = 0;
    stage.setAttribute("role", "slider");
    stage.setAttribute("aria-valuemin", "0");
    stage.setAttribute("aria-valuenow", "0"); // a slider has a value also while its data are loaded
    stage.addEventListener("pointermove", (event) => this.#point(this.#placeOf(event)));
    stage.addEventListener("pointerleave", () => this.#point(null));
    stage.addEventListener("blur", () => this.#point(null));
    stage.addEventListener("click", (event) => actions.onPick(this.#placeOf(event)));
    stage.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /**
   * Move the keyboard's place to a fraction of the width.
   * @param {number} place
   */
  moveTo(place) {
    const steps = this.actions.steps();
    this.#step = Math.min(Math.max(0, Math.floor(place * steps)), Math.max(0, steps - 1));
    this.update();
  }

  /** Describe the keyboard's place. */
  update() {
    const steps = this.actions.steps();
    this.#step = Math.min(this.#step, Math.max(0, steps - 1));
    this.stage.setAttribute("aria-valuemax", String(Math.max(0, steps - 1)));
    this.stage.setAttribute("aria-valuenow", String(this.#step));
    this.stage.setAttribute("aria-valuetext", steps ? this.actions.textAt(this.#place) : "nothing");
  }

  get #place() {
    return (this.#step + 0.5) / Math.max(1, this.actions.steps());
  }

  /** @param {MouseEvent} event */
  #placeOf(event) {
    const { left, width } = this.stage.getBoundingClientRect();
    return Math.min(Math.max(0, (event.clientX - left) / width), 1 - 1e-9);
  }

  /** @param {number | null} place */
  #point(place) {
    const isShown = place !== null && this.actions.steps() > 0;
    this.line.classList.toggle("is-shown", isShown);
    this.readout.textContent = isShown ? this.actions.textAt(place) : "";
    if (isShown) this.line.style.left = `${place * 100}%`;
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const last = this.actions.steps() - 1;
    if (event.ctrlKey || event.metaKey || event.altKey || last < 0) return;
    const by = KEYS[/** @type {keyof typeof KEYS} */ (event.key)];
    if (by) this.#step = Math.min(Math.max(0, this.#step + by), last);
    else if (event.key === "Home") this.#step = 0;
    else if (event.key === "End") this.#step = last;
    else if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    this.update();
    this.#point(this.#place);
    if (event.key === "Enter" || event.key === " ") this.actions.onPick(this.#place);
  }
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * An SVG element.
 * @param {string} name
 * @param {Record<string, string>} attributes
 */
export function svg(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
