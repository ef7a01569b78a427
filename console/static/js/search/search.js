// The page of search by example: the part of the example that is searched for, and annotations of what was found.

import { lastChannel, rememberChannel } from "../last-channel.js";
import { annotate, say, sectionOf } from "./annotate.js";
import { showAnnotations } from "./annotations.js";

const example = /** @type {any} */ (document.getElementById("example"));
const form = /** @type {HTMLFormElement | null} */ (document.getElementById("search-form"));
const results = document.getElementById("results");
const tagField = /** @type {HTMLInputElement | null} */ (document.getElementById("tag"));

const channelField = /** @type {HTMLSelectElement | null} */ (document.getElementById("example-channel"));

if (channelField) {
  if (!("given" in channelField.dataset)) {
    channelField.value = lastChannel([...channelField.options].map((option) => option.value)) ?? channelField.value;
  }
  channelField.form?.addEventListener("submit", () => rememberChannel(channelField.value));
}

example?.addEventListener("sound-ready", (/** @type {CustomEvent} */ event) => {
  const { startS, endS } = example.dataset;
  if (startS) example.select({ startS: +startS, endS: +endS, lowHz: 0, highHz: event.detail.rateHz / 2 });
});

example?.addEventListener("sound-selection", (/** @type {CustomEvent} */ event) => {
  const { selection, isFinal, start, end } = event.detail;
  if (!form || !isFinal || !selection || !start) return;
  /** @type {HTMLInputElement} */ (form.elements.namedItem("start")).value = start.toISOString();
  /** @type {HTMLInputElement} */ (form.elements.namedItem("end")).value = end.toISOString();
  for (const button of form.querySelectorAll("button")) button.disabled = false;
});

form?.addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});

results?.addEventListener("sound-ready", (event) => {
  const result = event.target instanceof Element ? event.target.closest(".result") : null;
  if (result instanceof HTMLElement) void showResult(result);
});

/**
 * Show what is annotated in a result.
 * @param {HTMLElement} result
 */
async function showResult(result) {
  const view = /** @type {import("../sound/sound-view.js").SoundView | null} */ (result.querySelector("sound-view"));
  const names = /** @type {HTMLElement | null} */ (result.querySelector("[data-annotated]"));
  if (view) await showAnnotations(view, results?.dataset.api ?? "", result.dataset.channel ?? "", names);
}

results?.addEventListener("click", (event) => {
  const button = /** @type {HTMLElement} */ (event.target).closest("[data-annotate]");
  const result = /** @type {HTMLElement | null | undefined} */ (button?.closest(".result"));
  if (button && result) void tagResult(/** @type {HTMLButtonElement} */ (button), result);
});

/**
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} result
 */
async function tagResult(button, result) {
  const tag = tagField?.value.trim() ?? "";
  if (!results || !tag) {
    tagField?.focus();
    say("Enter a tag first");
    return;
  }
  button.disabled = true;
  const fault = await annotate(results, sectionOf(result), tag);
  if (fault) {
    button.disabled = false;
    button.textContent = "Try again";
  } else {
    result.dataset.tag = tag;
    button.textContent = tag;
    void showResult(result);
  }
  say(fault || `Annotated: ${tag}`);
}
