// Tags: their colors, and the nine that have a number key. Pure, except that the browser keeps the nine.

export const COLORS = 10;
const SLOTS = 9;
const KEY = "tidzam-recent-tags";

/**
 * The color of each tag, 1 to `COLORS`. It follows the name, so that it rarely changes when tags are added.
 * @param {readonly string[]} names
 * @returns {Map<string, number>}
 */
export function colorsOf(names) {
  /** @type {Map<string, number>} */
  const colors = new Map();
  /** @type {Set<number>} */
  const taken = new Set();
  for (const name of [...new Set(names)].sort()) {
    if (taken.size === COLORS) taken.clear();
    let color = hashOf(name) % COLORS;
    while (taken.has(color)) color = (color + 1) % COLORS;
    taken.add(color);
    colors.set(name, color + 1);
  }
  return colors;
}

/**
 * FNV-1a of the UTF-16 code units.
 * @param {string} text
 */
function hashOf(text) {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** @typedef {{ name: string, used: number }} Slot */

/**
 * The slots after a tag was used. A tag keeps its place, so that its key stays the same; a new one takes a free place,
 * or that of the one which was not used for the longest time.
 * @param {readonly Slot[]} slots
 * @param {string} name
 * @returns {Slot[]}
 */
export function afterUse(slots, name) {
  const used = Math.max(0, ...slots.map((slot) => slot.used)) + 1;
  const present = slots.findIndex((slot) => slot.name === name);
  if (present >= 0) return slots.with(present, { name, used });
  if (slots.length < SLOTS) return [...slots, { name, used }];
  const oldest = slots.reduce((least, slot, place) => (slot.used < slots[least].used ? place : least), 0);
  return slots.with(oldest, { name, used });
}

/**
 * The slots, filled up with frequent tags.
 * @param {readonly Slot[]} slots
 * @param {readonly string[]} frequent
 * @returns {Slot[]}
 */
export function filledUp(slots, frequent) {
  const names = new Set(slots.map(({ name }) => name));
  const more = frequent.filter((name) => !names.has(name)).map((name) => ({ name, used: 0 }));
  return [...slots, ...more].slice(0, SLOTS);
}

/** @returns {Slot[]} */
export function keptSlots() {
  try {
    /** @type {Slot[]} */
    const slots = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return slots.filter(({ name, used }) => typeof name === "string" && Number.isFinite(used)).slice(0, SLOTS);
  } catch {
    return []; // the browser forbids storage, or something else was stored
  }
}

/** @param {readonly Slot[]} slots */
export function keepSlots(slots) {
  try {
    localStorage.setItem(KEY, JSON.stringify(slots));
  } catch {
    // the choice lasts as long as the page
  }
}
