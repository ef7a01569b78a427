// What is annotated already in a sound that was found: drawn over its spectrogram, and named below it.

/** @typedef {import("../sound/sound-view.js").SoundView} SoundView */
/** @typedef {import("../annotate/api.js").Annotation} Annotation */

/**
 * Show the annotations that reach into a sound.
 * @param {SoundView} view whose sound is loaded
 * @param {string} api address of the annotations
 * @param {string} channel
 * @param {HTMLElement | null} names where their tags are listed
 */
export async function showAnnotations(view, api, channel, names) {
  const { startMs } = view.when;
  if (startMs === null) return;
  const endMs = startMs + 1000 * view.extent.durationS;
  const [from, to] = [startMs, endMs].map((timeMs) => new Date(timeMs).toISOString());
  try {
    const response = await fetch(`${api}?${new URLSearchParams({ channel, from, to })}`);
    if (!response.ok || view.when.startMs !== startMs) return;
    /** @type {Annotation[]} */
    const found = (await response.json()).items;
    view.marks = found.map((one) => markOf(one, startMs));
    names?.replaceChildren(...[...new Set(found.map(({ tag }) => tag))].map(labelOf));
  } catch {
    // the sound is shown without them; what is clicked says that the console is away
  }
}

/**
 * @param {Annotation} annotation
 * @param {number} startMs when the sound begins
 * @returns {import("../sound/layer.js").Mark}
 */
function markOf({ id, start, end, low_hz: lowHz, high_hz: highHz, tag }, startMs) {
  const [startS, endS] = [start, end].map((time) => (Date.parse(time) - startMs) / 1000);
  const times = { startS: Math.max(0, startS), endS }; // so that its label is seen
  const band = lowHz === null && highHz === null ? {} : { lowHz: lowHz ?? undefined, highHz: highHz ?? undefined };
  return { id: String(id), ...times, ...band, label: tag, kind: "annotation" };
}

/** @param {string} tag */
function labelOf(tag) {
  const label = document.createElement("span");
  label.className = "tag annotated";
  label.textContent = tag;
  label.title = `Annotated: ${tag}`;
  return label;
}
