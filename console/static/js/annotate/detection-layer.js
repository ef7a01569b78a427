// The detections in the window, drawn over the spectrogram beside the annotations, if they are switched on.

/** @typedef {import("./api.js").AnnotationApi} AnnotationApi */
/** @typedef {import("./macro.js").Period} Period */

const KEY = "tidzam-annotate-detections";
const SHOWN = "yes";

export class DetectionLayer {
  #isOn = isKept();
  #loads = 0;

  /**
   * @param {import("../sound/sound-view.js").SoundView} view
   * @param {AnnotationApi} api
   * @param {HTMLElement} button which switches them on and off
   */
  constructor(view, api, button) {
    this.view = view;
    this.api = api;
    this.button = button;
    /** @type {{ channel: string, window: Period } | null} */
    this.shown = null;
    button.addEventListener("click", () => this.toggle());
    button.setAttribute("aria-pressed", String(this.#isOn));
  }

  toggle() {
    this.#isOn = !this.#isOn;
    this.button.setAttribute("aria-pressed", String(this.#isOn));
    keep(this.#isOn);
    void this.load();
  }

  /**
   * Show the detections of a window; of none if it is null.
   * @param {{ channel: string, window: Period } | null} shown
   */
  open(shown) {
    this.shown = shown;
    void this.load();
  }

  /** Ask for the detections of the window. */
  async load() {
    const number = ++this.#loads;
    const { shown } = this;
    this.view.marks = [];
    if (!shown || !this.#isOn) return;
    const { startMs, endMs } = shown.window;
    try {
      const found = await this.api.detections(shown.channel, startMs, endMs);
      if (number === this.#loads) this.view.marks = found.map((one) => markOf(one, startMs));
    } catch {
      // the page says that the console is away
    }
  }
}

/**
 * @param {import("./api.js").Detection} detection
 * @param {number} startMs when the window begins
 * @returns {import("../sound/layer.js").Mark}
 */
function markOf({ id, start, end, path, verdict, peak_probability: probability }, startMs) {
  return {
    id: String(id),
    startS: Math.max(0, (Date.parse(start) - startMs) / 1000), // so that its label is seen
    endS: (Date.parse(end) - startMs) / 1000,
    label: `${path.at(-1)} ${Math.round(100 * probability)} %`,
    kind: verdict === "right" || verdict === "wrong" ? verdict : "detection",
  };
}

/** @returns {boolean} */
function isKept() {
  try {
    return (localStorage.getItem(KEY) ?? SHOWN) === SHOWN;
  } catch {
    return true; // the browser forbids storage
  }
}

/** @param {boolean} isOn */
function keep(isOn) {
  try {
    localStorage.setItem(KEY, isOn ? SHOWN : "no");
  } catch {
    // the choice lasts as long as the page
  }
}
