// Annotations of sounds that were found: made by the REST API, with one click or key.

/** @typedef {{ channel: string, start: string, end: string }} Section */

/**
 * Annotate a section.
 * @param {HTMLElement} list whose data holds the address of the API and the CSRF token
 * @param {Section} section
 * @param {string} tag
 * @returns {Promise<string>} what went wrong; empty if nothing did
 */
export async function annotate(list, section, tag) {
  try {
    const response = await fetch(list.dataset.api ?? "", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": list.dataset.csrf ?? "" },
      body: JSON.stringify({ ...section, tag }),
    });
    if (response.ok) return "";
    const body = await response.json().catch(() => null);
    return body?.error?.message ?? `The console answered ${response.status}.`;
  } catch {
    return "The console does not answer.";
  }
}

/**
 * The section of a result.
 * @param {HTMLElement} element
 * @returns {Section}
 */
export function sectionOf(element) {
  const { channel = "", start = "", end = "" } = element.dataset;
  return { channel, start, end };
}

/**
 * Let screen readers say something, and show it.
 * @param {string} text
 */
export function say(text) {
  const said = document.getElementById("said");
  if (said) said.textContent = text;
}
