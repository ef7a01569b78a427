// The keyboard: on the spectrogram, and on the selection.

import { movedBox, resizedBox } from "./box.js";
import { moved, zoomed } from "./view.js";

/** @typedef {import("./sound-view.js").SoundView} SoundView */

const STEP = 0.02;
const COARSE = 0.5;
const ZOOM = 1.5;

/** What the keys do, for the help that the settings show. */
export const HELP = [
  ["Space", "Play or pause"],
  ["Enter", "Play the selection"],
  ["\u2190 \u2192", "Move the playhead"],
  ["Page \u2191 \u2193", "Move in time"],
  ["\u2191 \u2193", "Move in frequency"],
  ["+ \u2212", "Zoom in time"],
  ["Shift + \u2212", "Zoom in frequency"],
  ["0", "Show all"],
  ["S", "Select at the playhead"],
  ["Z", "Zoom to the selection"],
  ["B", "Only the band"],
  ["L", "Repeat"],
  ["Esc", "Remove the selection"],
  ["Ctrl wheel", "Zoom in time"],
  ["Alt wheel", "Zoom in frequency"],
  ["Shift wheel", "Move in time"],
];

/** @type {Record<string, (view: SoundView) => void>} */
const ON_STAGE = {
  " ": (view) => view.playback.toggle(),
  Enter: (view) => view.playback.playSelection(),
  ArrowLeft: (view) => seekBy(view, -STEP),
  ArrowRight: (view) => seekBy(view, STEP),
  Home: (view) => view.playback.seek(0),
  End: (view) => view.playback.seek(view.extent.durationS),
  PageUp: (view) => view.show(moved(view.view, view.extent, { time: -COARSE })),
  PageDown: (view) => view.show(moved(view.view, view.extent, { time: COARSE })),
  ArrowUp: (view) => view.show(moved(view.view, view.extent, { frequency: 0.1 })),
  ArrowDown: (view) => view.show(moved(view.view, view.extent, { frequency: -0.1 })),
  0: (view) => view.showAll(),
  s: (view) => view.selectHere(),
  z: (view) => view.toggleZoom(),
  b: (view) => view.playback.setBandOnly(!view.playback.isBandOnly),
  l: (view) => view.playback.setLoop(!view.playback.isLooping),
  Escape: (view) => view.select(null),
};

/**
 * Move the playhead by a share of what is shown.
 * @param {SoundView} view
 * @param {number} share
 */
function seekBy({ playback, view }, share) {
  playback.seek(playback.timeS + share * (view.endS - view.startS));
}

/**
 * A key on the spectrogram. Returns whether it had an effect.
 * @param {SoundView} view
 * @param {KeyboardEvent} event
 */
export function onStageKey(view, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if ("+=-_".includes(event.key) || event.key === "*") {
    const factor = "-_".includes(event.key) ? 1 / ZOOM : ZOOM;
    const isFrequency = event.shiftKey && event.key !== "=";
    const zoom = isFrequency ? { frequency: factor } : { time: factor, atS: view.anchorS };
    view.show(zoomed(view.view, view.extent, zoom));
    return true;
  }
  if (event.key === "Escape" && !view.selection) return false;
  const action = ON_STAGE[event.key] ?? ON_STAGE[event.key.toLowerCase()];
  action?.(view);
  return action !== undefined;
}

/** @type {Record<string, [number, number]>} */
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * A key on the selection: arrows move it, with Shift its end and upper edge, and with Ctrl and Shift its beginning and
 * lower edge. Returns whether it had an effect.
 * @param {SoundView} view
 * @param {KeyboardEvent} event
 */
export function onSelectionKey(view, event) {
  const { selection, extent } = view;
  const isControl = event.ctrlKey || event.metaKey;
  if (!selection || event.altKey || (isControl && !(event.shiftKey && event.key in DIRECTIONS))) return false;
  if (event.key === "Delete" || event.key === "Backspace") {
    view.select(null);
    view.focusStage();
    return true;
  }
  const direction = DIRECTIONS[event.key];
  if (!direction) return onStageKey(view, event);
  const byS = (direction[0] * STEP * (view.view.endS - view.view.startS)) / 4;
  const byHz = direction[1] * STEP * (view.view.highHz - view.view.lowHz);
  const edges = isControl ? { left: true, bottom: true } : { right: true, top: true };
  const box = event.shiftKey
    ? resizedBox(selection, edges, byS, byHz, extent)
    : movedBox(selection, byS, byHz, extent);
  view.select(box);
  return true;
}
