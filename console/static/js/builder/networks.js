// Datasets of annotations, and networks that are trained on datasets.

import { ask, showFault } from "./api.js";
import { showJob } from "./jobs.js";

/** @typedef {import("./jobs.js").Job} Job */

/**
 * @template {HTMLElement} Kind
 * @param {string} id
 * @returns {Kind}
 */
function byId(id) {
  return /** @type {Kind} */ (document.getElementById(id));
}

/**
 * Let datasets be made of what is chosen.
 * @param {() => {tags: string[], days: Record<string, string>}} chosen
 */
export function offerDatasets(chosen) {
  const form = byId("dataset-form");
  form.hidden = byId("dataset-hint").hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const values = ["dataset-name", "background-clips", "least-s"].map((id) => /** @type {HTMLInputElement} */ (byId(id)).value);
    const wanted = { ...chosen(), name: values[0], background_clips: Number(values[1]), least_s: Number(values[2]) };
    void submit("/datasets", wanted, "dataset-fault");
  });
}

/** Let networks be trained. */
export function followTrainings() {
  const form = /** @type {HTMLFormElement | null} */ (document.getElementById("network-form"));
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    void train(form, /** @type {SubmitEvent} */ (event).submitter);
  });
}

/**
 * Offer a dataset that a job has made.
 * @param {Job} job
 */
export async function datasetMade(job) {
  if (job.kind !== "dataset" || job.state !== "done" || !document.getElementById("network-form")) return;
  const { datasets } = await ask("/trainings/choices");
  offer(byId("dataset"), datasets);
  offer(byId("validation"), datasets);
  byId("network-form").hidden = datasets.length === 0;
  byId("no-datasets").hidden = datasets.length > 0;
}

/**
 * Add the names that a list lacks.
 * @param {HTMLSelectElement} list
 * @param {string[]} names
 */
function offer(list, names) {
  const known = new Set([...list.options].map((one) => one.value));
  list.append(...names.filter((name) => !known.has(name)).map((name) => new Option(name, name)));
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} button Which was pressed: one may say what becomes of an unfinished training.
 */
async function train(form, button) {
  const unfinished = /** @type {HTMLButtonElement | null} */ (button)?.value;
  byId("unfinished").hidden = true;
  const fault = await submit("/trainings", { ...requestOf(form), ...(unfinished ? { unfinished } : {}) }, "network-fault");
  byId("unfinished").hidden = fault?.code !== "training_unfinished";
}

/**
 * What is asked for: empty fields are those of the recipe.
 * @param {HTMLFormElement} form
 */
function requestOf(form) {
  /** @type {Record<string, unknown>} */
  const wanted = {};
  for (const field of /** @type {NodeListOf<HTMLInputElement | HTMLSelectElement>} */ (form.querySelectorAll("input[name], select[name]"))) {
    if (field.type === "checkbox") wanted[field.name] = /** @type {HTMLInputElement} */ (field).checked;
    else if (field.value !== "") wanted[field.name] = field.type === "number" ? Number(field.value) : field.value;
  }
  return wanted;
}

/**
 * @param {string} path
 * @param {object} wanted
 * @param {string} place where it is said why that is not possible
 * @returns {Promise<import("./api.js").RequestFault | null>} why
 */
async function submit(path, wanted, place) {
  showFault(place, "");
  try {
    const made = await ask(path, wanted);
    for (const job of [made].flat()) showJob(job);
    byId("jobs-panel").scrollIntoView({ block: "nearest" });
  } catch (error) {
    const fault = /** @type {import("./api.js").RequestFault} */ (error);
    showFault(place, fault.message);
    return fault;
  }
  return null;
}
