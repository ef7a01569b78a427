// Requests to the REST API.

const root = /** @type {HTMLElement} */ (document.getElementById("builder"));

/** The address of the model library. */
export const MODELS = root.dataset.models ?? "";

/** Why a request was refused: a message for people, and the code of docs/errors.md. */
export class RequestFault extends Error {
  /**
   * @param {string} message
   * @param {string} [code]
   */
  constructor(message, code = "") {
    super(message);
    this.code = code;
  }
}

/**
 * The answer to a request. Throws a RequestFault.
 * @param {string} path
 * @param {unknown} [body] What is sent; without it, something is read.
 * @returns {Promise<any>}
 */
export async function ask(path, body) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": root.dataset.csrf ?? "" };
  const options = body === undefined ? {} : { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(`${root.dataset.api}${path}`, options);
  const answer = await response.json();
  if (!response.ok) throw new RequestFault(answer.error?.message ?? "The console failed to answer.", answer.error?.code);
  return answer;
}

/**
 * Show a message, or hide it if there is none.
 * @param {string} id
 * @param {string} message
 */
export function showFault(id, message) {
  const place = /** @type {HTMLElement} */ (document.getElementById(id));
  place.textContent = message;
  place.hidden = !message;
}

/**
 * An element with a class and a text.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {string} [className]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
