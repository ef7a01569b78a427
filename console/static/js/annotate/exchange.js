// Files of annotations: links that export them, and the form that imports them.

import { iso } from "./api.js";
import { dayAfter, dayStart, timeOfWall } from "./zoned.js";

const FORMATS = [
  ["csv", "CSV"],
  ["raven", "Raven"],
  ["audacity", "Audacity"],
];

/**
 * Show the links for a channel and the day that is open.
 * @param {HTMLElement} root
 * @param {{ api: string, channel: string, day: string | null, zone: string }} place
 */
export function showExports(root, { api, channel, day, zone }) {
  const groups = [linksOf("This channel:", api, { channel })];
  if (day) {
    const [from, to] = [day, dayAfter(day, 1)].map((one) => iso(dayStart(one, zone)));
    groups.push(linksOf("This day:", api, { channel, from, to }));
  }
  root.replaceChildren(...groups);
}

/**
 * @param {string} title
 * @param {string} api
 * @param {Record<string, string>} query
 */
function linksOf(title, api, query) {
  const group = document.createElement("span");
  group.className = "export-links";
  group.append(title);
  for (const [format, name] of FORMATS) {
    const link = document.createElement("a");
    link.href = `${api}/annotations/export?${new URLSearchParams({ format, ...query })}`;
    link.download = "";
    link.textContent = name;
    group.append(" ", link);
  }
  return group;
}

/** The form that imports a file. */
export class ImportForm {
  #origin = "";

  /**
   * @param {{ form: HTMLFormElement, result: HTMLElement }} parts
   * @param {import("./api.js").AnnotationApi} api
   * @param {{ zone: string, channel: () => string, onDone: () => void }} options
   */
  constructor({ form, result }, api, options) {
    this.form = form;
    this.result = result;
    this.api = api;
    this.options = options;
    const [file, format, origin] = ["import-file", "import-format", "import-origin"].map((id) => /** @type {HTMLInputElement} */ (document.getElementById(id)));
    this.parts = { file, format, origin };
    file.addEventListener("change", () => this.#onFile());
    format.addEventListener("change", () => this.#onFormat());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send();
    });
  }

  /**
   * Propose the day that is open as the beginning of the file's sound.
   * @param {string} day
   */
  propose(day) {
    const { origin } = this.parts;
    if (origin.value === "" || origin.value === this.#origin) origin.value = `${day}T00:00:00`;
    this.#origin = origin.value;
  }

  #onFile() {
    const name = this.parts.file.files?.[0]?.name ?? "";
    if (name.endsWith(".csv")) this.parts.format.value = "csv";
    else if (/selections|raven|table/i.test(name)) this.parts.format.value = "raven";
    else if (name) this.parts.format.value = "audacity";
    this.#onFormat();
  }

  /** A CSV file has dates of its own. */
  #onFormat() {
    this.parts.origin.disabled = this.parts.format.value === "csv";
  }

  async #send() {
    const file = this.parts.file.files?.[0];
    if (!file) return;
    this.#say("Importing\u2026");
    try {
      const { format, origin } = this.parts;
      const { zone, channel } = this.options;
      /** @type {Record<string, string>} */
      const query = { format: format.value, channel: channel() };
      if (!origin.disabled) query.origin = iso(timeOfWall(origin.value, zone));
      const { added, duplicates } = await this.api.import(query, file);
      this.#say(`${added} added${duplicates ? `, ${duplicates} were there already` : ""}.`);
      this.form.reset();
      this.#onFormat();
      this.options.onDone();
    } catch (error) {
      this.#say(error instanceof Error ? error.message : "It failed.", true);
    }
  }

  /**
   * @param {string} text
   * @param {boolean} [isError]
   */
  #say(text, isError = false) {
    this.result.textContent = text;
    this.result.classList.toggle("bad-text", isError);
  }
}
