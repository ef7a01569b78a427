/** The spectrograms of the channels, which scroll with the time: what the analyzer sends is drawn once it is due. */

import { palette } from "./spectrogram.js";

/**
 * @typedef {{channel: string, start: string, column_s: number, columns: string}} SpectrogramPart
 * @typedef {{bands: number, lowest_hz: number, highest_hz: number, lowest_db: number, highest_db: number,
 *   channels: SpectrogramPart[]}} SpectrogramEvent
 */

const SHOWN_S = 30;
const JUMP_S = 5; // a source whose time jumps by more begins anew
const POLL_S = 0.75; // the console passes on what is heard twice a second
const SCROLLED_MS = 400;
const FRAME_MS = 40;
const STILL_MS = 2000;
const UNKNOWN = 0;
const QUIETEST_DB = -85;
const LOUDEST_DB = -25;
const TICKS_HZ = [1000, 3000, 8000];
const isStill = window.matchMedia("(prefers-reduced-motion: reduce)");

/** @param {number} hz */
const mel = (hz) => 2595 * Math.log10(1 + hz / 700);

/** The last columns of a channel, in a ring: the newest is in front of `head`. */
export class Columns {
  /** @param {SpectrogramEvent} event whose bands and levels all others have
   * @param {number} columnS length of a column */
  constructor(event, columnS) {
    this.bands = event.bands;
    this.columnS = columnS;
    this.capacity = Math.ceil((SHOWN_S + JUMP_S) / columnS);
    this.values = new Uint8Array(this.capacity * this.bands);
    this.head = 0;
    this.endS = -Infinity;
    this.offsetS = -Infinity;
    this.delayS = POLL_S;
    this.dbPerValue = (event.highest_db - event.lowest_db) / 254;
    this.lowestDb = event.lowest_db;
  }

  /**
   * Whether a part goes on where this ends, or repeats some of it.
   * @param {SpectrogramEvent} event
   * @param {SpectrogramPart} part
   */
  takes(event, part) {
    const gapS = Date.parse(part.start) / 1000 - this.endS;
    const isAlike = event.bands === this.bands && Math.abs(part.column_s / this.columnS - 1) < 0.01;
    return isAlike && (!Number.isFinite(gapS) || Math.abs(gapS) < this.capacity * this.columnS);
  }

  /**
   * Append the columns that are new; what is missing in between is unknown.
   * @param {SpectrogramPart} part
   * @param {number} nowS
   * @returns {number} how many were appended, with those that are missing
   */
  add(part, nowS) {
    const startS = Date.parse(part.start) / 1000;
    const bytes = Uint8Array.from(atob(part.columns), (letter) => letter.charCodeAt(0));
    const count = bytes.length / this.bands;
    const gap = Number.isFinite(this.endS) ? Math.round((startS - this.endS) / this.columnS) : 0;
    const known = Math.min(count, Math.max(0, -gap));
    const isCorrection = gap === 1; // of a clock, by less than can be seen
    for (let missing = isCorrection ? gap : 0; missing < gap; missing += 1) this.#append(new Uint8Array(this.bands).fill(UNKNOWN));
    for (let at = known; at < count; at += 1) this.#append(bytes.subarray(at * this.bands, (at + 1) * this.bands));
    this.endS = Math.max(this.endS, startS + count * this.columnS);
    this.delayS = count * this.columnS + POLL_S;
    this.#follow(this.endS - nowS);
    return Math.max(0, gap) + count - known;
  }

  /** @param {Uint8Array} column */
  #append(column) {
    this.values.set(column, this.head * this.bands);
    this.head = (this.head + 1) % this.capacity;
  }

  /**
   * Follow the clock of the sound, by what arrives with the least delay.
   * @param {number} offsetS by how much it is ahead of ours
   */
  #follow(offsetS) {
    const isJump = offsetS < this.offsetS - JUMP_S;
    this.offsetS = offsetS > this.offsetS || isJump ? offsetS : this.offsetS - Math.min(0.02, this.offsetS - offsetS);
  }

  /**
   * How far the right edge of the picture is behind the newest column, in seconds; negative if that is not due yet.
   * @param {number} nowS
   */
  behindS(nowS) {
    return nowS + this.offsetS - this.delayS - this.endS;
  }
}

/** The picture of the last half minute of a channel, a pixel per column and band. */
class Picture {
  /** What was drawn last, and where: most of the time, it has moved by less than a pixel. */
  #drawn = { newest: NaN, canvas: /** @type {HTMLCanvasElement | null} */ (null) };

  /** @param {Columns} columns */
  constructor(columns) {
    this.columns = columns;
    this.image = new OffscreenCanvas(columns.capacity, columns.bands);
  }

  /**
   * @param {number} count how many of the newest columns are painted
   * @param {Uint8ClampedArray} colors
   */
  paint(count, colors) {
    this.#drawn.canvas = null;
    const { bands, capacity, head, values, dbPerValue, lowestDb } = this.columns;
    const drawing = /** @type {OffscreenCanvasRenderingContext2D} */ (this.image.getContext("2d"));
    const pixels = drawing.createImageData(1, bands);
    for (let back = Math.min(count, capacity); back > 0; back -= 1) {
      const at = (head - back + capacity) % capacity;
      for (let band = 0; band < bands; band += 1) {
        const value = values[at * bands + band];
        const db = lowestDb + (value - 1) * dbPerValue;
        const color = Math.min(255, Math.max(0, Math.round((255 * (db - QUIETEST_DB)) / (LOUDEST_DB - QUIETEST_DB))));
        const pixel = 4 * (bands - 1 - band);
        pixels.data.set(colors.subarray(3 * color, 3 * color + 3), pixel);
        pixels.data[pixel + 3] = value === UNKNOWN ? 0 : 255;
      }
      drawing.putImageData(pixels, at, 0);
    }
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} nowS
   */
  draw(canvas, nowS) {
    const drawing = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const { bands, columnS, capacity, head } = this.columns;
    const perColumn = (canvas.width * columnS) / SHOWN_S;
    const newest = Math.round(canvas.width - (this.columns.behindS(nowS) / columnS) * perColumn);
    if (canvas === this.#drawn.canvas && newest === this.#drawn.newest) return;
    this.#drawn = { newest, canvas };
    const middle = Math.round(newest - head * perColumn);
    const oldest = Math.round(newest - capacity * perColumn);
    drawing.clearRect(0, 0, canvas.width, canvas.height);
    const draw = (/** @type {[number, number]} */ [from, to], /** @type {[number, number]} */ [left, right]) => {
      if (to <= from || right <= left) return;
      drawing.drawImage(this.image, from, 0, to - from, bands, left, 0, right - left, canvas.height);
    };
    draw([0, head], [middle, newest]);
    draw([head, capacity], [oldest, middle]);
  }
}

/**
 * @param {HTMLElement} root holds the channels, each with a canvas; its content may be replaced
 * @param {(ports: string[]) => void} onSeen called with the channels that are seen: at first, and then when there are
 *   others among them
 */
export function makeChannelSpectrograms(root, onSeen) {
  /** @type {Map<string, Picture>} */
  const pictures = new Map();
  /** @type {Map<string, HTMLCanvasElement>} */
  const seen = new Map();
  /** @type {Set<string> | null} the channels with which `onSeen` was called last */
  let asked = null;
  let timer = 0;
  let drawnMs = 0;
  let colors = palette();

  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const canvas = /** @type {HTMLCanvasElement} */ (target);
      canvas.width = Math.max(1, Math.round(canvas.clientWidth * window.devicePixelRatio));
      canvas.height = Math.max(1, Math.round(canvas.clientHeight * window.devicePixelRatio));
    }
    redraw();
  });

  const sight = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const canvas = /** @type {HTMLCanvasElement} */ (target);
        const port = portOf(canvas);
        if (isIntersecting) seen.set(port, canvas);
        else if (seen.get(port) === canvas) seen.delete(port);
      }
      askAfter(asked ? SCROLLED_MS : 0);
    },
    { rootMargin: "25%" },
  );

  /** @param {number} afterMs */
  function askAfter(afterMs) {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => {
      const ports = [...seen.keys()];
      if (asked && ports.every((port) => asked?.has(port))) return;
      asked = new Set(ports);
      onSeen(ports);
    }, afterMs);
  }

  /** Find the canvases again: there are others. */
  function find() {
    sizes.disconnect();
    sight.disconnect();
    seen.clear();
    const canvases = /** @type {NodeListOf<HTMLCanvasElement>} */ (root.querySelectorAll(".channel-spectrogram canvas"));
    for (const canvas of canvases) {
      sizes.observe(canvas);
      sight.observe(canvas);
    }
    askAfter(SCROLLED_MS); // also if there are none
  }

  /** @param {SpectrogramEvent} event */
  function show(event) {
    const nowS = performance.now() / 1000;
    for (const part of event.channels) {
      let picture = pictures.get(part.channel);
      if (!picture?.columns.takes(event, part)) picture = new Picture(new Columns(event, part.column_s));
      pictures.set(part.channel, picture);
      picture.paint(picture.columns.add(part, nowS), colors);
    }
    showScale(event);
  }

  /** @param {SpectrogramEvent} event */
  function showScale({ lowest_hz, highest_hz }) {
    for (const canvas of seen.values()) {
      const scale = canvas.closest(".now-channel")?.querySelector(".channel-scale");
      if (!scale || scale.childElementCount) continue;
      for (const hz of TICKS_HZ.filter((one) => one < 0.9 * highest_hz)) {
        const tick = document.createElement("li");
        tick.textContent = `${hz / 1000} kHz`;
        tick.style.setProperty("--at", ((mel(hz) - mel(lowest_hz)) / (mel(highest_hz) - mel(lowest_hz))).toFixed(3));
        scale.append(tick);
      }
    }
  }

  function redraw() {
    for (const picture of pictures.values()) picture.paint(picture.columns.capacity, colors);
    drawnMs = 0;
  }

  /** @param {number} timeMs */
  function draw(timeMs) {
    window.requestAnimationFrame(draw);
    if (timeMs - drawnMs < (isStill.matches ? STILL_MS : FRAME_MS)) return;
    drawnMs = timeMs;
    for (const [port, canvas] of seen) pictures.get(port)?.draw(canvas, timeMs / 1000);
  }

  new MutationObserver(() => {
    colors = palette();
    redraw();
  }).observe(document.documentElement, { attributeFilter: ["data-theme"] });

  find();
  draw(0);
  return { find, show };
}

/** @param {Element} canvas */
function portOf(canvas) {
  return /** @type {HTMLElement | null} */ (canvas.closest("[data-port]"))?.dataset.port ?? "";
}
