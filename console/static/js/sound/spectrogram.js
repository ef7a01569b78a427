// The spectrogram on a canvas: exactly the visible part is computed, in a worker, at the resolution of the screen.

import { levelOf } from "./stft.js";
import { isSame, whole, xOf, yOf } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./decode.js").Sound} Sound */
/** @typedef {{ levels: Uint8Array, columns: number, rows: number, view: View, picture: HTMLCanvasElement }} Drawn */

const MOST_RATIO = 2;

/** @type {Worker | null} */
let worker = null;
let sounds = 0;

function sharedWorker() {
  worker ??= new Worker(new URL("./stft-worker.js", import.meta.url), { type: "module" });
  return worker;
}

export class Spectrogram extends EventTarget {
  /** @type {Drawn | null} */
  #drawn = null;
  #number = 0;
  #isBusy = false;
  /** @type {View | null} */
  #wanted = null;
  /** @type {View} */
  #view;
  /** The level of the brightest color, found once for the whole sound. */
  #topDb = -20;
  #isMeasured = false;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Sound} sound
   * @param {import("./colors.js").ColorMap} map
   * @param {number} rangeDb
   */
  constructor(canvas, sound, map, rangeDb) {
    super();
    this.canvas = canvas;
    this.sound = sound;
    this.map = map;
    this.size = defaultSize(sound.rateHz);
    this.rangeDb = rangeDb;
    this.id = ++sounds;
    this.#view = whole({ durationS: sound.samples.length / sound.rateHz, maxHz: sound.rateHz / 2 });
    this.receive = this.receive.bind(this);
    sharedWorker().addEventListener("message", this.receive);
    sharedWorker().postMessage({ kind: "add", sound: this.id, samples: sound.samples });
  }

  /**
   * Show a part: at once what is known of it, and all of it when it is computed.
   * @param {View} view
   */
  show(view) {
    this.#view = view;
    this.#wanted = view;
    this.#paint();
    this.#ask();
  }

  /**
   * Compute it again with another window.
   * @param {number} size
   */
  resize(size) {
    this.size = size;
    this.#isMeasured = false;
    this.show(this.#view);
  }

  /**
   * Use another color map or range of levels.
   * @param {import("./colors.js").ColorMap} map
   * @param {number} rangeDb
   */
  recolor(map, rangeDb) {
    this.map = map;
    this.rangeDb = rangeDb;
    if (this.#drawn) this.#drawn.picture = this.#picture(this.#drawn);
    this.#paint();
  }

  /**
   * The level in dB relative to a full-scale sine at a place, by fractions of the width and of the height from the top.
   * @param {number} x
   * @param {number} y
   * @returns {number | null} null while it is computed
   */
  levelAt(x, y) {
    const drawn = this.#drawn;
    if (!drawn || !isSame(drawn.view, this.#view)) return null;
    const column = Math.min(drawn.columns - 1, Math.max(0, Math.floor(x * drawn.columns)));
    const row = Math.min(drawn.rows - 1, Math.max(0, Math.floor(y * drawn.rows)));
    return levelOf(drawn.levels[row * drawn.columns + column]);
  }

  /** Whether what is seen is final. */
  get isComplete() {
    return !this.#isBusy && this.#wanted === null && this.#drawn !== null;
  }

  destroy() {
    sharedWorker().removeEventListener("message", this.receive);
    sharedWorker().postMessage({ kind: "remove", sound: this.id });
  }

  /** @returns {[number, number]} */
  #pixels() {
    const ratio = Math.min(MOST_RATIO, window.devicePixelRatio || 1);
    const { clientWidth, clientHeight } = this.canvas;
    return [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
  }

  #ask() {
    const [columns, rows] = this.#pixels();
    if (this.#isBusy || !this.#wanted || !columns || !rows) return;
    const view = this.#wanted;
    this.#wanted = null;
    this.#isBusy = true;
    this.#number++;
    const request = { ...view, rateHz: this.sound.rateHz, size: this.size, columns, rows };
    this.asked = request;
    sharedWorker().postMessage({ kind: "draw", sound: this.id, number: this.#number, request });
  }

  /** @param {MessageEvent} event */
  receive({ data }) {
    if (data.sound !== this.id || data.number !== this.#number || !this.asked) return;
    this.#isBusy = false;
    const { columns, rows, startS, endS, lowHz, highHz } = this.asked;
    if (!this.#isMeasured) this.#measure(data.levels);
    const found = { levels: data.levels, columns, rows, view: { startS, endS, lowHz, highHz } };
    this.#drawn = { ...found, picture: this.#picture(found) };
    this.#paint();
    this.#ask();
    if (this.isComplete) this.dispatchEvent(new Event("complete"));
  }

  /**
   * Set the brightest color to a level that hardly any pixel exceeds.
   * @param {Uint8Array} levels
   */
  #measure(levels) {
    const counts = new Uint32Array(256);
    for (const level of levels) counts[level]++;
    let left = levels.length * 0.002;
    let level = 255;
    while (level > 0 && (left -= counts[level]) > 0) level--;
    this.#topDb = Math.max(-80, levelOf(level));
    this.#isMeasured = true;
  }

  /** @param {{ levels: Uint8Array, columns: number, rows: number }} found */
  #picture({ levels, columns, rows }) {
    const canvas = document.createElement("canvas");
    canvas.width = columns;
    canvas.height = rows;
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const image = context.createImageData(columns, rows);
    const pixels = new Uint32Array(image.data.buffer);
    const colors = Uint32Array.from({ length: 256 }, (_, byte) => {
      const share = 1 + (levelOf(byte) - this.#topDb) / this.rangeDb;
      return this.map.table[Math.round(255 * Math.min(1, Math.max(0, share)))];
    });
    for (let index = 0; index < levels.length; index++) pixels[index] = colors[levels[index]];
    context.putImageData(image, 0, 0);
    return canvas;
  }

  #paint() {
    const [width, height] = this.#pixels();
    if (!width || !height) return;
    const { canvas } = this;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const [red, green, blue] = bytes(this.map.table[0]);
    context.fillStyle = `rgb(${red} ${green} ${blue})`;
    context.fillRect(0, 0, width, height);
    if (!this.#drawn) return;
    const { picture, view } = this.#drawn;
    const left = xOf(this.#view, view.startS) * width;
    const top = yOf(this.#view, view.highHz) * height;
    const right = xOf(this.#view, view.endS) * width;
    const bottom = yOf(this.#view, view.lowHz) * height;
    context.drawImage(picture, left, top, right - left, bottom - top);
  }
}

/** @param {number} color */
function bytes(color) {
  return [color & 255, (color >> 8) & 255, (color >> 16) & 255];
}

/**
 * A window of about 21 ms, which resolves both the syllables of birds and their pitch.
 * @param {number} rateHz
 */
function defaultSize(rateHz) {
  return Math.min(4096, Math.max(128, 2 ** Math.round(Math.log2(rateHz * 0.0213))));
}
