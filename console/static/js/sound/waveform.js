// The waveform, drawn by wavesurfer.js, which shows the same period as the spectrogram.

import WaveSurfer from "../../vendor/wavesurfer.esm.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./player.js").SoundPlayer} SoundPlayer */

/** @type {Map<string, CSSStyleSheet>} */
const sheets = new Map();

/**
 * Move the rules that wavesurfer.js writes into a `style` element, which our Content-Security-Policy forbids, into a
 * style sheet of the shadow root, which it allows.
 * @param {Node} node
 */
function adoptStyles(node) {
  const shadow = node instanceof Element ? node.shadowRoot : null;
  const style = shadow?.querySelector("style");
  if (!shadow || !style) return;
  const text = style.textContent ?? "";
  let sheet = sheets.get(text);
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    sheets.set(text, sheet);
  }
  style.remove();
  shadow.adoptedStyleSheets = [sheet];
}

export class Waveform {
  /**
   * @param {HTMLElement} container
   * @param {SoundPlayer} player
   * @param {Float32Array} samples
   * @param {number} height in pixels
   */
  constructor(container, player, samples, height) {
    const place = document.createElement("div");
    place.appendChild = (node) => {
      adoptStyles(node);
      place.append(node);
      return node;
    };
    container.replaceChildren(place);
    this.place = place;
    this.durationS = player.duration;
    this.isReady = false;
    /** @type {View | null} */
    this.waiting = null;
    this.surfer = WaveSurfer.create({
      container: place,
      media: /** @type {HTMLMediaElement} */ (/** @type {unknown} */ (player)),
      peaks: [samples],
      duration: player.duration,
      height,
      normalize: true,
      hideScrollbar: true,
      autoScroll: false,
      autoCenter: false,
      dragToSeek: true,
      cursorWidth: 0,
      ...this.colors(),
    });
    this.surfer.on("ready", () => {
      this.isReady = true;
      if (this.waiting) this.show(this.waiting);
    });
  }

  colors() {
    const style = getComputedStyle(this.place);
    return {
      waveColor: style.getPropertyValue("--line-strong").trim() || "gray",
      progressColor: style.getPropertyValue("--accent").trim() || "green",
    };
  }

  /** Draw in the colors of the present theme. */
  recolor() {
    this.surfer.setOptions(this.colors());
  }

  /** @param {View} view */
  show(view) {
    if (!this.isReady) {
      this.waiting = view;
      return;
    }
    const perSecond = this.place.clientWidth / (view.endS - view.startS);
    if (Math.abs((this.surfer.options.minPxPerSec ?? 0) - perSecond) > 1e-6) this.surfer.zoom(perSecond);
    this.surfer.setScroll(view.startS * perSecond);
  }

  destroy() {
    this.surfer.destroy();
  }
}
