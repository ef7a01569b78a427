// What is shown, in the address of the page, so that it can be shared. Pure.

export const LENGTHS_S = [5, 15, 30, 60];
const DEFAULT_LENGTH_S = 15;

/**
 * @typedef {object} Place
 * @property {string | null} channel
 * @property {string | null} day such as 2026-05-01
 * @property {number | null} atMs the middle of the period that is shown closely, since 1970
 * @property {number} lengthS
 * @property {string | null} tag that is highlighted
 */

/**
 * @param {string} query
 * @returns {Place}
 */
export function readPlace(query) {
  const values = new URLSearchParams(query);
  const day = values.get("day") ?? "";
  const lengthS = Number(values.get("seconds"));
  return {
    channel: values.get("channel") || null,
    day: /^\d{4}-\d\d-\d\d$/.test(day) && !Number.isNaN(Date.parse(day)) ? day : null,
    atMs: timeOf(values.get("at")),
    lengthS: LENGTHS_S.includes(lengthS) ? lengthS : DEFAULT_LENGTH_S,
    tag: values.get("tag") || null,
  };
}

/**
 * @param {Place} place
 * @returns {string} a query
 */
export function writePlace({ channel, day, atMs, lengthS, tag }) {
  const values = new URLSearchParams();
  if (channel) values.set("channel", channel);
  if (day) values.set("day", day);
  if (atMs !== null) values.set("at", new Date(atMs).toISOString());
  if (lengthS !== DEFAULT_LENGTH_S) values.set("seconds", String(lengthS));
  if (tag) values.set("tag", tag);
  return values.toString();
}

/**
 * What a link asks to be annotated: a period, and the tag that is offered for it.
 * @param {string} query
 * @returns {{ startMs: number, endMs: number, tag: string } | null}
 */
export function readProposal(query) {
  const values = new URLSearchParams(query);
  const startMs = timeOf(values.get("start"));
  const endMs = timeOf(values.get("end"));
  if (startMs === null || endMs === null || endMs <= startMs) return null;
  return { startMs, endMs, tag: values.get("propose") ?? "" };
}

/**
 * @param {string | null} text
 * @returns {number | null}
 */
function timeOf(text) {
  const time = text ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? null : time;
}
