// Edits that the console has not confirmed yet, in the order in which they were made. Pure.
//
// A `key` names an annotation in this browser: that of the console as "17", one that was made here by a random name.

/** @typedef {import("./api.js").Annotation} Annotation */
/** @typedef {import("./api.js").Content} Content */

/**
 * @typedef {object} Edit
 * @property {"create" | "change" | "delete"} kind
 * @property {string} key
 * @property {string} channel
 * @property {number | null} id of the annotation in the console; null if it is not there yet
 * @property {number} version that is changed or deleted
 * @property {Content} content after it; of a deletion, before it
 * @property {boolean} isSent whether it was sent, and may have arrived
 */

/** @typedef {Content & { key: string, channel: string, author: string | null, isPending: boolean }} Shown */

/**
 * The edits, with one more. What was not sent yet is joined: a moved region is one edit, and one that was made and
 * deleted is none.
 * @param {readonly Edit[]} edits
 * @param {Edit} edit
 * @returns {Edit[]}
 */
export function withEdit(edits, edit) {
  const place = edits.findLastIndex(({ key }) => key === edit.key);
  const last = edits[place];
  if (!last || last.isSent || last.kind === "delete" || edit.kind === "create") return [...edits, edit];
  const others = edits.filter((_, number) => number !== place);
  if (edit.kind === "change") return edits.with(place, { ...last, content: edit.content });
  return last.kind === "create" ? others : [...others, { ...edit, version: last.version, id: last.id }];
}

/**
 * The edits after the first of them was confirmed: `annotation` is what the console has now, null if it was deleted.
 * @param {readonly Edit[]} edits
 * @param {Annotation | null} annotation
 * @returns {Edit[]}
 */
export function afterFirst([first, ...others], annotation) {
  if (!annotation) return others;
  const { id, version } = annotation;
  return others.map((edit) => (edit.key === first.key ? { ...edit, id, version } : edit));
}

/**
 * The annotations of a channel as they are shown: confirmed ones with the edits.
 * @param {Iterable<[string, Annotation]>} confirmed by key
 * @param {readonly Edit[]} edits
 * @param {string} channel
 * @returns {Shown[]} in the order of time
 */
export function shownWith(confirmed, edits, channel) {
  /** @type {Map<string, Shown>} */
  const shown = new Map();
  for (const [key, one] of confirmed) {
    if (one.channel === channel) shown.set(key, { ...contentOf(one), key, channel, author: one.author, isPending: false });
  }
  for (const edit of edits) {
    if (edit.channel !== channel) continue;
    const author = shown.get(edit.key)?.author ?? null;
    if (edit.kind === "delete") shown.delete(edit.key);
    else shown.set(edit.key, { ...edit.content, key: edit.key, channel, author, isPending: true });
  }
  return [...shown.values()].sort((a, b) => Date.parse(a.start) - Date.parse(b.start));
}

/**
 * What an annotation states, without who and when.
 * @param {Content} one
 * @returns {Content}
 */
export function contentOf({ start, end, low_hz, high_hz, tag }) {
  return { start, end, low_hz, high_hz, tag };
}

/**
 * Whether two annotations state the same, times to the millisecond.
 * @param {Content} a
 * @param {Content} b
 */
export function isSameContent(a, b) {
  return Object.keys(changesOf(a, b)).length === 0;
}

/**
 * What differs of `after`.
 * @param {Content} before
 * @param {Content} after
 * @returns {Partial<Content>}
 */
export function changesOf(before, after) {
  /** @type {Partial<Content>} */
  const changes = {};
  if (Math.abs(Date.parse(before.start) - Date.parse(after.start)) > 1) changes.start = after.start;
  if (Math.abs(Date.parse(before.end) - Date.parse(after.end)) > 1) changes.end = after.end;
  if (!isSameHz(before.low_hz, after.low_hz)) changes.low_hz = after.low_hz;
  if (!isSameHz(before.high_hz, after.high_hz)) changes.high_hz = after.high_hz;
  if (before.tag !== after.tag) changes.tag = after.tag;
  return changes;
}

/**
 * @param {number | null} a
 * @param {number | null} b
 */
function isSameHz(a, b) {
  return a === null || b === null ? a === b : Math.abs(a - b) < 0.5;
}
