// Edits that the browser keeps until the console has them, also when the page is closed or the browser fails.
//
// Each page has an entry of its own; what a page has left behind is adopted by the next one of the same user.

/** @typedef {import("./edits.js").Edit} Edit */
/** @typedef {import("./outbox.js").Conflict} Conflict */
/** @typedef {{ edits: Edit[], conflicts: Conflict[] }} Kept */

const PREFIX = "tidzam-edits";
const ALIVE_MS = 15_000;
const BEAT_MS = 5_000;

export class KeptEdits {
  /** @type {Kept} */
  #kept = { edits: [], conflicts: [] };

  /** @param {string} user */
  constructor(user) {
    this.prefix = `${PREFIX}/${user}/`;
    this.name = this.prefix + randomName();
    window.setInterval(() => this.#write(Date.now()), BEAT_MS);
    window.addEventListener("pagehide", () => this.#write(0));
    window.addEventListener("pageshow", () => this.#write(Date.now()));
  }

  /** @param {Kept} kept */
  save(kept) {
    this.#kept = kept;
    this.#write(Date.now());
  }

  /**
   * Take what pages have left behind that are closed.
   * @returns {Kept}
   */
  adopt() {
    /** @type {Kept} */
    const found = { edits: [], conflicts: [] };
    try {
      for (const name of Object.keys(localStorage)) {
        if (!name.startsWith(this.prefix) || name === this.name) continue;
        const { aliveMs, edits, conflicts } = JSON.parse(localStorage.getItem(name) ?? "{}");
        if (Date.now() - aliveMs < ALIVE_MS) continue;
        localStorage.removeItem(name);
        found.edits.push(...(edits ?? []));
        found.conflicts.push(...(conflicts ?? []));
      }
    } catch {
      // the browser forbids storage
    }
    return found;
  }

  /** @param {number} aliveMs when the page was last open */
  #write(aliveMs) {
    const { edits, conflicts } = this.#kept;
    try {
      if (edits.length + conflicts.length) localStorage.setItem(this.name, JSON.stringify({ aliveMs, edits, conflicts }));
      else localStorage.removeItem(this.name);
    } catch {
      // the edits last as long as the page
    }
  }
}

/** A name that nothing else has; browsers make it also without TLS. */
export function randomName() {
  return [...crypto.getRandomValues(new Uint32Array(3))].map((part) => part.toString(36)).join("");
}
