// How a person likes spectrograms to look, kept by the browser.

import { colorMap } from "./colors.js";

const KEY = "tidzam-spectrogram";
const DEFAULT_RANGE_DB = 60;

/** @typedef {{ colors: import("./colors.js").ColorMap, rangeDb: number }} Preferences */

/** @returns {Preferences} */
export function preferences() {
  try {
    const { map = "", rangeDb = 0 } = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return { colors: colorMap(map), rangeDb: rangeDb >= 10 && rangeDb <= 120 ? rangeDb : DEFAULT_RANGE_DB };
  } catch {
    return { colors: colorMap(null), rangeDb: DEFAULT_RANGE_DB }; // the browser forbids storage
  }
}

/** @param {Preferences} chosen */
export function remember({ colors, rangeDb }) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ map: colors.name, rangeDb }));
  } catch {
    // the choice lasts until the next page
  }
}
