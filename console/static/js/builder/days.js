// The chart of annotations per day and tag, in which days are given a use by click, drag or keyboard.

import { element } from "./api.js";

/** @typedef {{day: string, annotations: Record<string, number>, is_recorded: boolean, suggested: string | null}} BuilderDay */

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 100;
const COLORS = 8;
/** @type {Record<string, string>} */
const TITLES = {
  train: "training",
  test: "test",
  "train-background": "background of training",
  "test-background": "background of the test",
  "": "not used",
};

/** @type {Record<string, string>} */
const SHORT = { train: "train", test: "test", "train-background": "backgr.", "test-background": "b. test", "": "" };

export class DayChart {
  /**
   * @param {HTMLElement} list
   * @param {BuilderDay[]} days
   * @param {string[]} tags The most frequent first
   * @param {() => void} onChange
   */
  constructor(list, days, tags, onChange) {
    this.list = list;
    this.days = days;
    this.tags = tags;
    this.onChange = onChange;
    /** @type {Map<string, string>} */
    this.uses = new Map();
    this.brush = "train";
    this.isPainting = false;
    const most = Math.max(1, ...days.map((day) => sum(day.annotations)));
    /** @type {HTMLButtonElement[]} */
    this.buttons = days.map((day) => this.button(day, most));
    list.replaceChildren(
      ...this.buttons.map((button) => {
        const item = element("li");
        item.append(button);
        return item;
      }),
    );
    this.rove(this.buttons.length - 1);
    list.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("pointerup", () => this.end());
    document.addEventListener("pointercancel", () => this.end());
    list.scrollLeft = list.scrollWidth;
  }

  suggest() {
    this.uses = new Map(this.days.map((day) => [day.day, day.suggested ?? ""]));
    this.days.forEach((_, index) => this.show(index));
    this.onChange();
  }

  /** @returns {Record<string, string>} */
  get chosen() {
    return Object.fromEntries([...this.uses].filter(([, use]) => use));
  }

  /**
   * @param {BuilderDay} day
   * @param {number} most
   * @returns {HTMLButtonElement}
   */
  button(day, most) {
    const button = element("button", "day");
    button.type = "button";
    button.tabIndex = -1;
    const index = this.days.indexOf(day);
    button.append(bar(day, this.tags, most), element("span", "day-name", day.day.slice(5)), element("span", "day-use"));
    button.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      button.releasePointerCapture?.(event.pointerId); // so that the days under the pointer get its events
      this.isPainting = true;
      this.paint(index);
    });
    button.addEventListener("pointerenter", () => this.isPainting && this.paint(index));
    button.addEventListener("click", (event) => {
      if (event.detail === 0) this.paint(index, true); // by keyboard or a screen reader
    });
    button.addEventListener("focus", () => this.rove(index));
    return button;
  }

  /**
   * @param {number} index
   * @param {boolean} [isLast]
   */
  paint(index, isLast = false) {
    this.uses.set(this.days[index].day, this.brush);
    this.show(index);
    if (isLast) this.onChange();
  }

  end() {
    if (this.isPainting) {
      this.isPainting = false;
      this.onChange();
    }
  }

  /** @param {number} index */
  show(index) {
    const { day, annotations, is_recorded } = this.days[index];
    const use = this.uses.get(day) ?? "";
    const button = this.buttons[index];
    button.dataset.use = use;
    /** @type {HTMLElement} */ (button.lastElementChild).textContent = SHORT[use];
    const counts = Object.entries(annotations).map(([tag, count]) => `${tag} ${count}`);
    const found = counts.length ? counts.join(", ") : is_recorded ? "recorded, no annotations" : "no annotations";
    button.setAttribute("aria-label", `${day}: ${found}; ${TITLES[use]}`);
    button.title = `${day}\n${found}\n${TITLES[use]}`;
  }

  /**
   * Only one day is reached by the Tab key; arrows lead to the others.
   * @param {number} index
   */
  rove(index) {
    this.buttons.forEach((button, number) => (button.tabIndex = number === index ? 0 : -1));
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const here = this.buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    /** @type {Record<string, number>} */
    const steps = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: this.buttons.length - 1 };
    const target = steps[event.key];
    if (here < 0 || target === undefined || !this.buttons[target]) return;
    event.preventDefault();
    if (event.shiftKey) this.paint(here);
    this.buttons[target].focus();
    if (event.shiftKey) this.paint(target, true);
  }
}

/**
 * The class that colors a tag.
 * @param {string[]} tags
 * @param {string} tag
 * @returns {string}
 */
export function colorOf(tags, tag) {
  return `tag-color-${tags.indexOf(tag) % COLORS}`;
}

/**
 * @param {BuilderDay} day
 * @param {string[]} tags
 * @param {number} most
 * @returns {SVGSVGElement}
 */
function bar(day, tags, most) {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("viewBox", `0 0 10 ${HEIGHT}`);
  drawn.setAttribute("preserveAspectRatio", "none");
  drawn.setAttribute("aria-hidden", "true");
  drawn.classList.add("day-bar");
  let top = HEIGHT;
  for (const tag of tags.filter((one) => day.annotations[one])) {
    const height = (HEIGHT * day.annotations[tag]) / most;
    top -= height;
    const part = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ x: 0, width: 10, y: top, height })) part.setAttribute(name, `${value}`);
    part.classList.add(colorOf(tags, tag));
    drawn.append(part);
  }
  return drawn;
}

/** @param {Record<string, number>} counts */
function sum(counts) {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
