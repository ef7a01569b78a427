// Verdicts and stars: shown at once, sent to the REST API, and taken back if it refuses them.

/** @typedef {import("./rows.js").DetectionRows} DetectionRows */
/** @typedef {import("./rows.js").Verdict} Verdict */

const MOST_AT_ONCE = 500;
const MOST_UNDONE = 100;

export class Judge {
  /** @type {{ id: string, before: Verdict }[][]} */
  #done = [];

  /** @param {DetectionRows} rows */
  constructor(rows) {
    this.rows = rows;
    rows.list.addEventListener("click", (event) => this.#onClick(event));
    rows.list.addEventListener("submit", (event) => this.#onNamed(event));
    rows.list.addEventListener("change", () => this.#showChosen());
    document.getElementById("bulk")?.addEventListener("click", (event) => this.#onBulk(event));
  }

  /**
   * Judge the current detection, or those that are chosen if it is none, and go on to the next.
   * @param {string} verdict
   * @param {{ other?: string, isLast?: boolean }} [options]
   */
  async judgeCurrent(verdict, { other = "", isLast = false } = {}) {
    const row = this.rows.current;
    if (!row) return;
    const sent = this.judge([row], { verdict, other });
    if (!isLast) await this.rows.move(1);
    await sent;
    if (row === this.rows.current) await this.rows.refreshPanel(row);
  }

  /**
   * @param {HTMLElement[]} rows
   * @param {Verdict} after
   */
  async judge(rows, after) {
    const done = rows.map((row) => ({ id: row.dataset.id ?? "", before: this.rows.verdictOf(row) }));
    for (const row of rows) this.rows.showVerdict(row, after);
    if (await this.#sendVerdict(done.map(({ id }) => id), after)) {
      this.#done = [...this.#done, done].slice(-MOST_UNDONE);
      say(rows.length === 1 ? `Judged: ${after.verdict || "no verdict"}` : `${rows.length} judged`);
    } else this.#restore(done);
  }

  /** Take the last verdict back. */
  async undo() {
    const done = this.#done.pop();
    if (!done) {
      say("There is nothing to undo");
      return;
    }
    this.#restore(done);
    /** @type {Map<string, { ids: string[], before: Verdict }>} */
    const groups = new Map();
    for (const { id, before } of done) {
      const key = `${before.verdict} ${before.other}`;
      groups.set(key, { ids: [...(groups.get(key)?.ids ?? []), id], before });
    }
    for (const { ids, before } of groups.values()) await this.#sendVerdict(ids, before);
    const row = done.length === 1 ? this.rows.byId(done[0].id) : null;
    if (row) await this.rows.open(row);
    say("Undone");
  }

  /** Star the current detection, or take its star away. */
  async star() {
    const row = this.rows.current;
    if (!row) return;
    await this.starAll([row], row.dataset.starred !== "yes");
    await this.rows.refreshPanel(row);
  }

  /**
   * @param {HTMLElement[]} rows
   * @param {boolean} isStarred
   */
  async starAll(rows, isStarred) {
    const before = rows.map((row) => row.dataset.starred === "yes");
    for (const row of rows) this.rows.showStar(row, isStarred);
    const ids = rows.map((row) => row.dataset.id ?? "");
    if (await this.#send("stars", { ids: ids.map(Number), starred: isStarred })) say(isStarred ? "Starred" : "Not starred");
    else rows.forEach((row, number) => this.rows.showStar(row, before[number]));
  }

  /** @param {{ id: string, before: Verdict }[]} done */
  #restore(done) {
    for (const { id, before } of done) {
      const row = this.rows.byId(id);
      if (row) this.rows.showVerdict(row, before);
    }
  }

  /**
   * @param {string[]} ids
   * @param {Verdict} verdict
   * @returns {Promise<boolean>}
   */
  async #sendVerdict(ids, { verdict, other }) {
    for (let first = 0; first < ids.length; first += MOST_AT_ONCE) {
      const some = ids.slice(first, first + MOST_AT_ONCE).map(Number);
      const request = { ids: some, verdict: verdict || null, ...(other ? { other_class: other } : {}) };
      if (!(await this.#send("verdicts", request))) return false;
    }
    document.body.dispatchEvent(new Event("detections-changed"));
    return true;
  }

  /**
   * @param {string} what
   * @param {object} request
   * @returns {Promise<boolean>}
   */
  async #send(what, request) {
    try {
      const response = await fetch(`${this.rows.api}/${what}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": this.rows.list.dataset.csrf ?? "" },
        body: JSON.stringify(request),
      });
      if (response.status === 401) window.location.reload();
      if (response.ok) return true;
      const { error } = await response.json();
      say(error.message, true);
    } catch {
      say("The console does not answer. Nothing was changed.", true);
    }
    return false;
  }

  /** @param {Event} event */
  #onClick(event) {
    const target = event.target instanceof Element ? event.target : null;
    const button = /** @type {HTMLElement | null} */ (target?.closest("[data-judge], [data-star]") ?? null);
    if (!button) return;
    if (button.dataset.judge) {
      const verdict = button.dataset.judge === "none" ? "" : button.dataset.judge;
      void this.judgeCurrent(verdict, { isLast: true });
    } else void this.star();
  }

  /** @param {Event} event */
  #onNamed(event) {
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (!("otherClass" in form.dataset)) return;
    event.preventDefault();
    const other = String(new FormData(form).get("other") ?? "").trim();
    void this.judgeCurrent("other_class", { other });
  }

  #showChosen() {
    const bulk = document.getElementById("bulk");
    const count = document.getElementById("bulk-count");
    if (!bulk || !count) return;
    bulk.hidden = this.rows.chosen.length === 0;
    count.textContent = String(this.rows.chosen.length);
  }

  /** @param {Event} event */
  #onBulk(event) {
    const button = event.target instanceof Element ? event.target.closest("[data-bulk]") : null;
    const action = /** @type {HTMLElement | null} */ (button)?.dataset.bulk;
    if (!action) return;
    const rows = this.rows.chosen;
    if (action === "star") void this.starAll(rows, true);
    else if (action !== "clear") void this.judge(rows, { verdict: action === "none" ? "" : action, other: "" });
    for (const choice of this.rows.list.querySelectorAll("input.choose")) {
      /** @type {HTMLInputElement} */ (choice).checked = false;
    }
    this.#showChosen();
  }
}

/**
 * Say something to screen readers, and show it if it is an error.
 * @param {string} text
 * @param {boolean} [isError]
 */
export function say(text, isError = false) {
  const said = document.getElementById("said");
  if (!said) return;
  said.textContent = text;
  said.classList.toggle("visually-hidden", !isError);
  said.classList.toggle("toast", isError);
}
