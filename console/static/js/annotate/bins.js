// Days in the columns of a chart, several in one if there are many. Pure.

import { dayAfter, daysBetween, dayTitle } from "./zoned.js";

const STEPS = [1, 7, 28, 91, 364, 1820];
const MOST = 92;

/** @typedef {{ first: string, last: string }} Bin */

/**
 * @param {string} first
 * @param {string} last
 * @returns {{ bins: Bin[], step: number }}
 */
export function binsBetween(first, last) {
  const days = Math.max(0, daysBetween(first, last)) + 1;
  const step = STEPS.find((size) => days / size <= MOST) ?? STEPS[STEPS.length - 1];
  const bins = Array.from({ length: Math.ceil(days / step) }, (_, number) => {
    const start = dayAfter(first, number * step);
    const end = dayAfter(start, step - 1);
    return { first: start, last: end < last ? end : last };
  });
  return { bins, step };
}

/**
 * The sums of `values` in the bins.
 * @param {readonly Bin[]} bins
 * @param {number} step
 * @param {Iterable<[string, number]>} values by day
 * @returns {number[]}
 */
export function binned(bins, step, values) {
  const sums = bins.map(() => 0);
  for (const [day, value] of values) {
    const place = Math.floor(daysBetween(bins[0].first, day) / step);
    if (place >= 0 && place < sums.length) sums[place] += value;
  }
  return sums;
}

/** @param {Bin} bin */
export function binTitle({ first, last }) {
  return first === last ? dayTitle(first) : `${dayTitle(first)} to ${dayTitle(last)}`;
}

/**
 * Labels below some of the bins, evenly apart: places in percent.
 * @param {readonly Bin[]} bins
 * @param {number} most
 * @returns {{ place: number, text: string }[]}
 */
export function binTicks(bins, most) {
  const every = Math.ceil(bins.length / Math.max(1, most));
  /** @type {Intl.DateTimeFormatOptions} */
  const form = daysBetween(bins[0].first, bins[bins.length - 1].last) < 300 ? { day: "numeric", month: "short" } : { month: "short", year: "numeric" };
  const found = [];
  for (let number = Math.floor(((bins.length - 1) % every) / 2); number < bins.length; number += every) {
    found.push({ place: (100 * (number + 0.5)) / bins.length, text: dayTitle(bins[number].first, form) });
  }
  return found;
}

/**
 * The least number of the form 2, 4, 6, 10, 20, … that is not smaller, so that its half is whole.
 * @param {number} most
 */
export function niceTop(most) {
  const size = 10 ** Math.max(0, String(Math.floor(most)).length - 1);
  return Math.max(2, ([1, 2, 4, 6, 10].find((step) => step * size >= most) ?? 10) * size);
}
