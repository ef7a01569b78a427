// The keyboard of the page. What has the focus comes first: fields, charts and the spectrogram have keys of their own.

import { isForPage } from "../keyboard.js";

/** @typedef {Record<string, () => void>} KeyActions */

/**
 * @param {KeyboardEvent} event
 * @param {{ view: KeyActions, edit: KeyActions | null, onNumber: (number: number) => boolean }} actions `edit` is null
 *   for those who may not annotate
 */
export function onPageKey(event, { view, edit, onNumber }) {
  if (!isForPage(event)) return;
  const target = event.target instanceof HTMLElement ? event.target : null;
  if (target?.closest("button, a, summary") && event.key === "Enter") return;
  const isUndo = (event.ctrlKey || event.metaKey) && event.key === "z";
  if (!isUndo && (event.ctrlKey || event.metaKey)) return;
  const key = isUndo ? "u" : event.key;
  const action = view[key] ?? edit?.[key];
  if (action) action();
  else if (!edit || !/^[1-9]$/.test(key) || !onNumber(Number(key))) return;
  event.preventDefault();
}
