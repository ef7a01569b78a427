// Short-time Fourier transforms with a Hann window, for exactly the pixels that are drawn. Pure; runs in a worker.

/**
 * @typedef {object} Request
 * @property {number} rateHz
 * @property {number} size samples in a window, a power of two
 * @property {number} startS
 * @property {number} endS
 * @property {number} lowHz
 * @property {number} highHz
 * @property {number} columns
 * @property {number} rows
 */

/** A level is stored as a byte: 0 is FLOOR_DB, and each step is STEP_DB. */
export const FLOOR_DB = -127.5;
export const STEP_DB = 0.5;
const MOST_WINDOWS = 8; // per column: more would take too long for hours of sound

/**
 * The level in dB relative to a full-scale sine that a byte stands for.
 * @param {number} byte
 */
export function levelOf(byte) {
  return FLOOR_DB + STEP_DB * byte;
}

/**
 * The levels at the pixels of a spectrogram, row by row from the top.
 *
 * A pixel that covers several bins or windows shows the loudest of them; one that covers less than a bin lies on the
 * line between two.
 * @param {Float32Array} samples
 * @param {Request} request
 * @returns {Uint8Array} of columns × rows
 */
export function spectrogram(samples, request) {
  const { rateHz, size, columns, rows } = request;
  const transform = new Transform(size);
  const levels = new Uint8Array(columns * rows);
  const bins = binsOf(request);
  const column = new Float32Array(size / 2 + 1);
  const perColumn = ((request.endS - request.startS) * rateHz) / columns;
  const windows = Math.min(MOST_WINDOWS, Math.max(1, Math.round(perColumn / (size / 2))));
  for (let x = 0; x < columns; x++) {
    column.fill(0);
    for (let index = 0; index < windows; index++) {
      const middle = request.startS * rateHz + (x + (index + 0.5) / windows) * perColumn;
      transform.add(samples, Math.round(middle - size / 2), column);
    }
    for (let y = 0; y < rows; y++) levels[y * columns + x] = byteOf(powerAt(column, bins[y], bins[y + 1]));
  }
  return levels;
}

/**
 * The bins at the edges of the rows, from the top, as fractions.
 * @param {Request} request
 */
function binsOf({ rateHz, size, lowHz, highHz, rows }) {
  const perBin = rateHz / size;
  return Float64Array.from({ length: rows + 1 }, (_, row) => (highHz - (row / rows) * (highHz - lowHz)) / perBin);
}

/**
 * @param {Float32Array} powers
 * @param {number} high
 * @param {number} low
 */
function powerAt(powers, high, low) {
  const last = powers.length - 1;
  if (high - low <= 1) {
    const middle = Math.min(last, Math.max(0, (high + low) / 2));
    const below = Math.min(last - 1, Math.floor(middle));
    const share = middle - below;
    return powers[below] * (1 - share) + powers[below + 1] * share;
  }
  let power = 0;
  for (let bin = Math.max(0, Math.round(low)); bin <= Math.min(last, Math.round(high)); bin++) {
    if (powers[bin] > power) power = powers[bin];
  }
  return power;
}

/** @param {number} power */
function byteOf(power) {
  const db = 10 * Math.log10(power + 1e-30);
  return Math.min(255, Math.max(0, Math.round((db - FLOOR_DB) / STEP_DB)));
}

/** The power spectrum of windows of `size` samples: 1 for a full-scale sine. */
export class Transform {
  /** @param {number} size a power of two */
  constructor(size) {
    this.size = size;
    this.window = Float64Array.from({ length: size }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / size));
    this.scale = 2 / this.window.reduce((sum, value) => sum + value, 0);
    this.cosines = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.sines = Float64Array.from({ length: size / 2 }, (_, k) => Math.sin((2 * Math.PI * k) / size));
    this.reversed = bitReversed(size);
    this.real = new Float64Array(size);
    this.imaginary = new Float64Array(size);
  }

  /**
   * Raise `powers`, one per bin, to those of the window that begins at a sample. Outside of `samples` is silence.
   * @param {Float32Array} samples
   * @param {number} first
   * @param {Float32Array} powers
   */
  add(samples, first, powers) {
    const { size, window, reversed, real, imaginary } = this;
    for (let n = 0; n < size; n++) real[reversed[n]] = (samples[first + n] ?? 0) * window[n];
    imaginary.fill(0);
    this.#run();
    for (let bin = 0; bin <= size / 2; bin++) {
      const power = (real[bin] ** 2 + imaginary[bin] ** 2) * this.scale ** 2;
      if (power > powers[bin]) powers[bin] = power;
    }
  }

  /** The radix-2 transform of Cooley and Tukey, in place. */
  #run() {
    const { size, real, imaginary, cosines, sines } = this;
    for (let length = 2; length <= size; length *= 2) {
      const half = length / 2;
      const stride = size / length;
      for (let block = 0; block < size; block += length) {
        for (let k = 0; k < half; k++) {
          const a = block + k;
          const b = a + half;
          const cosine = cosines[k * stride];
          const sine = sines[k * stride];
          const re = real[b] * cosine + imaginary[b] * sine;
          const im = imaginary[b] * cosine - real[b] * sine;
          real[b] = real[a] - re;
          imaginary[b] = imaginary[a] - im;
          real[a] += re;
          imaginary[a] += im;
        }
      }
    }
  }
}

/** @param {number} size */
function bitReversed(size) {
  const found = new Uint32Array(size);
  const bits = Math.log2(size);
  for (let index = 0; index < size; index++) {
    let value = 0;
    for (let bit = 0; bit < bits; bit++) value |= ((index >> bit) & 1) << (bits - 1 - bit);
    found[index] = value;
  }
  return found;
}
