// Which keys are for the page, and which for a field in which something is typed, or for a dialog.

const FIELDS = "input:not([type=checkbox], [type=radio], [type=range]), select, textarea";

/**
 * Whether a key is for the page. Escape leaves a field.
 * @param {KeyboardEvent} event
 * @returns {boolean}
 */
export function isForPage(event) {
  if (event.defaultPrevented || event.altKey || document.querySelector("dialog[open]")) return false;
  const target = event.target instanceof HTMLElement ? event.target : null;
  if (!target?.matches(FIELDS)) return true;
  if (event.key === "Escape") target.blur();
  return false;
}
