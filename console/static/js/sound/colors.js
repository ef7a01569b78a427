// The color maps of spectrograms. Their lightness grows evenly (in Oklab), so that equal steps in dB look equal.

/** @typedef {{ name: string, title: string, table: Uint32Array }} ColorMap 256 colors as little-endian RGBA. */

/**
 * A color of Oklab (https://bottosson.github.io/posts/oklab/) as linear RGB; outside of 0 to 1 if a screen lacks it.
 * @param {number} lightness 0 to 1
 * @param {number} chroma
 * @param {number} hueDegrees
 * @returns {number[]}
 */
function linearOf(lightness, chroma, hueDegrees) {
  const hue = (hueDegrees * Math.PI) / 180;
  const a = chroma * Math.cos(hue);
  const b = chroma * Math.sin(hue);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

/**
 * The color as RGB, 0 to 255, less saturated if a screen lacks it: its lightness stays.
 * @param {number} lightness
 * @param {number} chroma
 * @param {number} hueDegrees
 * @returns {number[]}
 */
function rgbOf(lightness, chroma, hueDegrees) {
  let linear = linearOf(lightness, chroma, hueDegrees);
  while (chroma > 0.002 && linear.some((value) => value < -0.001 || value > 1.001)) {
    chroma *= 0.97;
    linear = linearOf(lightness, chroma, hueDegrees);
  }
  return linear.map((value) => {
    const part = Math.min(1, Math.max(0, value));
    return Math.round(255 * (part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055));
  });
}

/**
 * @param {(position: number) => [number, number, number]} oklch lightness, chroma and hue at a position, 0 to 1
 * @returns {Uint32Array}
 */
function table(oklch) {
  const colors = new Uint32Array(256);
  for (let index = 0; index < 256; index++) {
    const [red, green, blue] = rgbOf(...oklch(index / 255));
    colors[index] = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  }
  return colors;
}

/** From the night over the reeds to the dawn: indigo, teal, green, then pale gold. */
const MARSH = table((x) => [0.11 + 0.86 * x, 0.06 + 0.07 * Math.sin(Math.PI * x), 282 - 192 * x ** 0.9]);
const GRAY = table((x) => [0.08 + 0.9 * x, 0, 0]);
const PAPER = table((x) => [0.99 - 0.91 * x, 0, 0]);

/** @type {readonly ColorMap[]} */
export const COLOR_MAPS = [
  { name: "marsh", title: "Marsh", table: MARSH },
  { name: "gray", title: "Gray", table: GRAY },
  { name: "paper", title: "Paper", table: PAPER },
];

/**
 * The color map of a name, or the first one.
 * @param {string | null} name
 * @returns {ColorMap}
 */
export function colorMap(name) {
  return COLOR_MAPS.find((map) => map.name === name) ?? COLOR_MAPS[0];
}
