// Verdicts and stars: shown at once, sent to the REST API, and taken back if it refuses them.

import { WORDS } from "./rows.js";

/** @typedef {import("./rows.js").DetectionRows} DetectionRows */
/** @typedef {import("./rows.js").Verdict} Verdict */
/** @typedef {{ id: number, verdict: string | null, other_class: string[] | null }} StoredVerdict */
/** @typedef {{ id: string, before: Verdict, after: Verdict }} Change */

const MOST_AT_ONCE = 500;
const MOST_UNDONE = 100;

export class Judge {
  /** @type {Change[][]} */
  #done = [];
  /** @type {Promise<unknown>} */
  #last = Promise.resolve();

  /** @param {DetectionRows} rows */
  constructor(rows) {
    this.rows = rows;
    rows.list.addEventListener("click", (event) => this.#onClick(event));
    rows.list.addEventListener("submit", (event) => this.#onNamed(event));
    rows.list.addEventListener("change", () => this.#showChosen());
    document.getElementById("bulk")?.addEventListener("click", (event) => this.#onBulk(event));
    document.getElementById("bulk-other")?.addEventListener("submit", (event) => void this.#onBulkNamed(event));
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
   * @returns {Promise<boolean>} whether the console accepted it
   */
  async judge(rows, after) {
    const done = rows.map((row) => ({ id: row.dataset.id ?? "", before: this.rows.verdictOf(row), after }));
    for (const row of rows) this.rows.showVerdict(row, after);
    this.#done = [...this.#done, done].slice(-MOST_UNDONE);
    if (await this.#sendVerdict(done.map(({ id }) => id), after)) {
      const word = WORDS[/** @type {keyof typeof WORDS} */ (after.verdict)] ?? "no verdict";
      say(rows.length === 1 ? `Judged: ${word}` : `${rows.length} judged`);
      return true;
    }
    this.#done = this.#done.filter((one) => one !== done);
    this.#show(done, "before");
    return false;
  }

  /** Take the last verdict back. */
  async undo() {
    const done = this.#done.pop();
    if (!done) {
      say("There is nothing to undo");
      return;
    }
    this.#show(done, "before");
    /** @type {Map<string, Change[]>} */
    const groups = new Map();
    for (const one of done) {
      const key = `${one.before.verdict} ${one.before.other}`;
      groups.set(key, [...(groups.get(key) ?? []), one]);
    }
    /** @type {Change[]} */
    const failed = [];
    for (const group of groups.values()) {
      if (!(await this.#sendVerdict(group.map(({ id }) => id), group[0].before))) failed.push(...group);
    }
    if (failed.length) {
      this.#done.push(failed);
      this.#show(failed, "after");
      return; // it was said why
    }
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
    const request = { ids: ids.map(Number), starred: isStarred };
    if (await this.#inTurn(() => this.#send("stars", request))) say(isStarred ? "Starred" : "Not starred");
    else rows.forEach((row, number) => this.rows.showStar(row, before[number]));
  }

  /**
   * @param {Change[]} changes
   * @param {"before" | "after"} which
   */
  #show(changes, which) {
    for (const change of changes) {
      const row = this.rows.byId(change.id);
      if (row) this.rows.showVerdict(row, change[which]);
    }
  }

  /** @param {StoredVerdict[]} stored */
  #showStored(stored) {
    for (const { id, verdict, other_class: path } of stored) {
      const row = this.rows.byId(id);
      if (row) this.rows.showVerdict(row, { verdict: verdict ?? "", other: (path ?? []).join("/") });
    }
  }

  /**
   * Do one thing after the other, so that on a slow link the last verdict arrives last.
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  #inTurn(work) {
    const turn = this.#last.then(work);
    this.#last = turn;
    return turn;
  }

  /**
   * @param {string[]} ids
   * @param {Verdict} verdict
   * @returns {Promise<boolean>}
   */
  #sendVerdict(ids, verdict) {
    return this.#inTurn(() => this.#sendInParts(ids, verdict));
  }

  /**
   * @param {string[]} ids
   * @param {Verdict} verdict
   * @returns {Promise<boolean>}
   */
  async #sendInParts(ids, { verdict, other }) {
    for (let first = 0; first < ids.length; first += MOST_AT_ONCE) {
      const some = ids.slice(first, first + MOST_AT_ONCE).map(Number);
      const request = { ids: some, verdict: verdict || null, ...(other ? { other_class: other } : {}) };
      const stored = await this.#send("verdicts", request);
      if (!stored) return false;
      if (!verdict) this.#showStored(stored); // somebody else's may count again
    }
    document.body.dispatchEvent(new Event("detections-changed"));
    return true;
  }

  /**
   * @param {string} what
   * @param {object} request
   * @returns {Promise<StoredVerdict[] | null>} the detections as they are now
   */
  async #send(what, request) {
    try {
      const response = await fetch(`${this.rows.api}/${what}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": this.rows.list.dataset.csrf ?? "" },
        body: JSON.stringify(request),
      });
      if (response.status === 401) window.location.reload();
      if (response.ok) return await response.json();
      const { error } = await response.json();
      say(error.message, true);
    } catch {
      say("The console does not answer. Nothing was changed.", true);
    }
    return null;
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
    this.#chooseNone();
  }

  /** @param {SubmitEvent} event */
  async #onBulkNamed(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const other = String(new FormData(form).get("other") ?? "").trim();
    if (!other || !(await this.judge(this.rows.chosen, { verdict: "other_class", other }))) return;
    form.reset();
    this.#chooseNone();
  }

  #chooseNone() {
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
