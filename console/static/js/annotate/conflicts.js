// Conflicts: both states side by side, to choose one of them.

import { clock, hzRange } from "../sound/ticks.js";

/** @typedef {import("./outbox.js").Conflict} Conflict */
/** @typedef {import("./api.js").Content} Content */

export class Conflicts {
  /** @type {readonly Conflict[]} */
  #shown = [];

  /**
   * @param {HTMLElement} root
   * @param {string} zone
   * @param {(conflict: Conflict, isMine: boolean) => void} onChoice
   */
  constructor(root, zone, onChoice) {
    this.root = root;
    this.zone = zone;
    this.onChoice = onChoice;
  }

  /** @param {readonly Conflict[]} conflicts */
  show(conflicts) {
    if (conflicts === this.#shown) return;
    this.#shown = conflicts;
    this.root.hidden = conflicts.length === 0;
    this.root.replaceChildren(...conflicts.map((conflict) => this.#card(conflict)));
  }

  /** @param {Conflict} conflict */
  #card(conflict) {
    const { mine, current } = conflict;
    const card = make("section", "panel conflict");
    card.setAttribute("role", "alert");
    const what = current ? "was changed" : "was deleted";
    const states = make("div", "conflict-states");
    states.append(
      this.#state(conflict, true, "Your change", mine.kind === "delete" ? null : mine.content),
      this.#state(conflict, false, "What is stored", current),
    );
    card.append(make("h2", "", `An annotation ${what} by somebody else at the same time`), states);
    return card;
  }

  /**
   * @param {Conflict} conflict
   * @param {boolean} isMine
   * @param {string} title
   * @param {Content | null} content
   */
  #state(conflict, isMine, title, content) {
    const state = make("div", "conflict-state");
    const button = make("button", `button compact${isMine ? " primary" : ""}`, isMine ? "Keep your change" : "Keep what is stored");
    button.setAttribute("type", "button");
    button.addEventListener("click", () => this.onChoice(conflict, isMine));
    state.append(make("h3", "", title), make("p", "number", content ? this.#textOf(content) : "deleted"), button);
    return state;
  }

  /** @param {Content} content */
  #textOf({ tag, start, end, low_hz: low, high_hz: high }) {
    const period = [start, end].map((time) => clock(Date.parse(time), this.zone, 2)).join("\u2013");
    return [tag, period, low === null || high === null ? "all frequencies" : hzRange(low, high)].join(", ");
  }
}

/**
 * @param {string} name
 * @param {string} kind
 * @param {string} [text]
 */
function make(name, kind, text = "") {
  const element = document.createElement(name);
  element.className = kind;
  element.textContent = text;
  return element;
}
