// Annotations per day and tag, with edits that are not counted yet. Pure.

/** @typedef {import("./api.js").DayCount} DayCount */
/** @typedef {import("./api.js").Annotation} Annotation */
/** @typedef {{ start: string, tag: string }} Counted */
/** @typedef {Map<string, Map<string, number>>} CountsByDay by day, then by tag */

/**
 * @param {readonly DayCount[]} days
 * @returns {CountsByDay}
 */
export function countsByDay(days) {
  /** @type {CountsByDay} */
  const counts = new Map();
  for (const { day, tag, annotations } of days) add(counts, day, tag, annotations);
  return counts;
}

/**
 * The counts after an annotation was changed, made or removed.
 * @param {CountsByDay} counts
 * @param {Counted | null} before
 * @param {Counted | null} after
 * @param {(start: string) => string} dayOf
 * @returns {CountsByDay}
 */
export function changedCounts(counts, before, after, dayOf) {
  const changed = new Map([...counts].map(([day, tags]) => [day, new Map(tags)]));
  if (before) add(changed, dayOf(before.start), before.tag, -1);
  if (after) add(changed, dayOf(after.start), after.tag, 1);
  return changed;
}

/**
 * The counts with the edits of a channel that the console has not confirmed.
 * @param {CountsByDay} counts
 * @param {ReadonlyMap<string, Annotation>} confirmed
 * @param {readonly import("./edits.js").Edit[]} edits
 * @param {string} channel
 * @param {(start: string) => string} dayOf
 * @returns {CountsByDay}
 */
export function countsWithEdits(counts, confirmed, edits, channel, dayOf) {
  /** @type {Map<string, Counted | null>} */
  const present = new Map();
  let found = counts;
  for (const { key, kind, content } of edits.filter((edit) => edit.channel === channel)) {
    const before = present.has(key) ? present.get(key) ?? null : confirmed.get(key) ?? null;
    const after = kind === "delete" ? null : content;
    if (kind !== "delete" || before) found = changedCounts(found, before, after, dayOf);
    present.set(key, after);
  }
  return found;
}

/**
 * How often each tag occurs, the most frequent first.
 * @param {CountsByDay} counts
 * @returns {[string, number][]}
 */
export function tagTotals(counts) {
  /** @type {Map<string, number>} */
  const totals = new Map();
  for (const tags of counts.values()) {
    for (const [tag, count] of tags) totals.set(tag, (totals.get(tag) ?? 0) + count);
  }
  return [...totals].filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
}

/**
 * @param {CountsByDay} counts
 * @param {string} day
 * @param {string} tag
 * @param {number} by
 */
function add(counts, day, tag, by) {
  const tags = counts.get(day) ?? new Map();
  counts.set(day, tags);
  tags.set(tag, Math.max(0, (tags.get(tag) ?? 0) + by));
}
