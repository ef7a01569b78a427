// The rows of the list: which one is current and open, and which are chosen.

/** @typedef {{ verdict: string, other: string }} Verdict */

export const WORDS = { right: "right", wrong: "wrong", other_class: "other class", unsure: "unsure" };

export class DetectionRows {
  /** @param {HTMLElement} list */
  constructor(list) {
    this.list = list;
    this.base = list.dataset.base ?? "";
    this.api = list.dataset.api ?? "";
    this.mayAnnotate = list.dataset.mayAnnotate === "yes";
    list.addEventListener("click", (event) => this.#onClick(event));
    list.addEventListener("sound-error", (event) => showNoSound(/** @type {CustomEvent} */ (event)));
  }

  /** @returns {HTMLElement[]} */
  get all() {
    return [.../** @type {NodeListOf<HTMLElement>} */ (this.list.querySelectorAll("li.detection"))];
  }

  /** @returns {HTMLElement | null} */
  get current() {
    return this.list.querySelector("li.is-current");
  }

  /** @returns {HTMLElement[]} */
  get chosen() {
    return this.all.filter((row) => choiceOf(row)?.checked);
  }

  /**
   * @param {number | string} id
   * @returns {HTMLElement | null}
   */
  byId(id) {
    return this.list.querySelector(`li[data-id="${id}"]`);
  }

  /** @param {number} by rows further down, or up if negative */
  async move(by) {
    const rows = this.all;
    const present = this.current ? rows.indexOf(this.current) : by > 0 ? -1 : rows.length;
    const next = rows[present + by];
    if (next) await this.open(next);
    else if (by > 0) await this.#openOlder();
  }

  /** @param {HTMLElement} row */
  async open(row) {
    this.close();
    row.classList.add("is-current");
    const button = buttonOf(row);
    button?.setAttribute("aria-expanded", "true");
    button?.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
    await this.refreshPanel(row);
    if (row === this.current) row.scrollIntoView({ block: "nearest" });
  }

  close() {
    for (const row of this.list.querySelectorAll("li.is-current")) {
      row.classList.remove("is-current");
      row.querySelector(".detection-panel")?.remove();
      buttonOf(row)?.setAttribute("aria-expanded", "false");
    }
  }

  /** @param {HTMLElement} row */
  async refreshPanel(row) {
    const response = await fetch(`${this.base}/${row.dataset.id}/panel`, { headers: { "HX-Request": "true" } });
    if (response.status === 401) window.location.reload();
    if (!response.ok || !row.classList.contains("is-current")) return;
    const panel = parsed(await response.text()).querySelector(".detection-panel");
    const present = row.querySelector(".detection-panel");
    if (!panel) return;
    const sound = present?.querySelector("sound-view, .no-sound");
    if (!present || !sound) {
      present?.remove();
      row.append(panel);
      return;
    }
    const [before, after] = around(panel, panel.querySelector("sound-view"));
    for (const child of [...present.children]) if (child !== sound) child.remove(); // the sound plays on
    sound.before(...before);
    sound.after(...after);
  }

  /**
   * @param {HTMLElement} row
   * @returns {Verdict}
   */
  verdictOf(row) {
    return { verdict: row.dataset.verdict ?? "", other: row.dataset.other ?? "" };
  }

  /**
   * @param {HTMLElement} row
   * @param {Verdict} verdict
   */
  showVerdict(row, { verdict, other }) {
    row.dataset.verdict = verdict;
    row.dataset.other = other;
    const mark = /** @type {HTMLElement} */ (row.querySelector('.verdict:not([data-verdict="open"])'));
    mark.dataset.verdict = verdict;
    mark.textContent = other.split("/").at(-1) || WORDS[/** @type {keyof typeof WORDS} */ (verdict)] || "";
  }

  /**
   * @param {HTMLElement} row
   * @param {boolean} isStarred
   */
  showStar(row, isStarred) {
    row.dataset.starred = isStarred ? "yes" : "no";
  }

  /** @param {boolean} [isOn] */
  choose(isOn) {
    const choice = this.current && choiceOf(this.current);
    if (choice) {
      choice.checked = isOn ?? !choice.checked;
      choice.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }

  async #openOlder() {
    const older = this.list.querySelector("li.older");
    const button = older?.querySelector("button");
    if (!older || !button) return;
    const last = this.all.length;
    document.body.addEventListener("htmx:afterSettle", () => {
      const next = this.all[last];
      if (next) void this.open(next);
    }, { once: true });
    button.click();
  }

  /** @param {Event} event */
  #onClick(event) {
    const button = event.target instanceof Element ? event.target.closest(".detection-open") : null;
    const row = /** @type {HTMLElement | null} */ (button?.closest("li.detection"));
    if (!row) return;
    if (row.classList.contains("is-current")) this.close();
    else void this.open(row);
  }
}

/**
 * The children of an element before and after one of them.
 * @param {Element} parent
 * @param {Element | null} child
 * @returns {[Element[], Element[]]}
 */
function around(parent, child) {
  const children = [...parent.children];
  const place = child ? children.indexOf(child) : children.length;
  return [children.slice(0, place), children.slice(place + 1)];
}

/**
 * Say why there is no sound, in the place of its player.
 * @param {CustomEvent} event
 */
function showNoSound(event) {
  const note = document.createElement("p");
  note.className = "message small no-sound";
  note.textContent = event.detail.message;
  if (event.target instanceof Element) event.target.replaceWith(note);
}

/**
 * @param {string} html
 * @returns {Document}
 */
export function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

/**
 * @param {Element} row
 * @returns {HTMLElement | null}
 */
function buttonOf(row) {
  return row.querySelector(".detection-open");
}

/**
 * @param {Element} row
 * @returns {HTMLInputElement | null}
 */
export function choiceOf(row) {
  return row.querySelector("input.choose");
}
