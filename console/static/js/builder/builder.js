// The page of the model builder: days, sets of tags and a base become jobs.

import { ask, element, showFault } from "./api.js";
import { DayChart, colorOf } from "./days.js";
import { followJobs, showJob } from "./jobs.js";
import { datasetMade, followTrainings, offerDatasets } from "./networks.js";
import { ModelSets } from "./sets.js";

const PLAN_AFTER_MS = 400;

/**
 * @template {HTMLElement} Kind
 * @param {string} id
 * @returns {Kind}
 */
function byId(id) {
  return /** @type {Kind} */ (document.getElementById(id));
}

/** @type {DayChart} */
let chart;
/** @type {ModelSets} */
let sets;
let planned = 0;
let timer = 0;

followJobs((job) => void datasetMade(job));
followTrainings();
void open();

async function open() {
  const choices = await ask("/recognizers/choices");
  const tags = Object.keys(choices.tags);
  byId("no-days").hidden = tags.length > 0;
  byId("days-part").hidden = byId("build-form").hidden = tags.length === 0;
  if (!tags.length) return;
  for (const { name, title, window_s, classes } of choices.bases) {
    const text = `${title} (${classes.toLocaleString("en")} classes, windows of ${window_s} s)`;
    byId("base").append(new Option(text, name));
  }
  byId("legend").replaceChildren(
    ...tags.map((tag) => {
      const item = element("li");
      item.append(element("span", `swatch ${colorOf(tags, tag)}`), `${tag} `);
      item.append(element("span", "quiet number", String(choices.tags[tag])));
      return item;
    }),
  );
  chart = new DayChart(byId("days"), choices.days, tags, planSoon);
  sets = new ModelSets(byId("models"), choices.tags, choices.least_windows, choices.taken, planSoon);
  chart.suggest();
  listen();
}

function listen() {
  const uses = /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("#uses input"));
  for (const use of uses) use.addEventListener("change", () => (chart.brush = use.value));
  byId("days").addEventListener("keydown", (event) => {
    const use = uses[Number(event.key) - 1];
    if (!use) return;
    use.checked = true;
    chart.brush = use.value;
  });
  byId("suggest").addEventListener("click", () => chart.suggest());
  byId("add-model").addEventListener("click", () => sets.add());
  for (const id of ["base", "most", "windows", "between"]) byId(id).addEventListener("change", planSoon);
  byId("build-form").addEventListener("submit", (event) => void build(event));
  offerDatasets(() => ({ tags: sets.tagsOfAll, days: chart.chosen }));
}

function request() {
  const most = /** @type {HTMLInputElement} */ (byId("most")).value;
  return {
    models: sets.models,
    base: /** @type {HTMLSelectElement} */ (byId("base")).value,
    days: chart.chosen,
    background_between: /** @type {HTMLInputElement} */ (byId("between")).checked,
    background_windows: Number(/** @type {HTMLInputElement} */ (byId("windows")).value),
    most_false_alarms: most === "" ? null : Number(most),
  };
}

function planSoon() {
  window.clearTimeout(timer);
  timer = window.setTimeout(() => void plan(), PLAN_AFTER_MS);
}

async function plan() {
  const number = ++planned;
  const wanted = request();
  const place = byId("plan");
  showFault("fault", "");
  if (!wanted.models.length || !Object.keys(wanted.days).length) {
    place.replaceChildren(element("p", "quiet small", "Choose days and tags."));
    return;
  }
  try {
    const found = await ask("/recognizers/plan", wanted);
    if (number === planned) place.replaceChildren(...planLines(found));
  } catch (error) {
    if (number === planned) showFault("fault", /** @type {Error} */ (error).message);
  }
}

/**
 * @param {any} found
 * @returns {HTMLElement[]}
 */
function planLines(found) {
  const { train = 0, test = 0 } = found.annotations;
  const background = found.background_windows;
  const of = (/** @type {string} */ use) => (background[use] ?? 0).toLocaleString("en");
  const lines = [
    element("p", "", `${train} annotations and ${of("train-background")} background windows for training.`),
    element("p", "", `${test} annotations and ${of("test-background")} background windows for the test.`),
  ];
  if (found.unrecorded) {
    lines.push(element("p", "quiet", `${found.unrecorded} annotations are left out: their sound is not recorded any more.`));
  }
  for (const model of found.models) {
    const windows = Object.entries(model.windows).map(([tag, count]) => `${tag} ${count}`);
    const line = element("p", model.problem ? "job-fault" : "quiet", `${model.name}: ${model.problem ?? windows.join(", ")}`);
    lines.push(line);
  }
  return lines;
}

/** @param {Event} event */
async function build(event) {
  event.preventDefault();
  window.clearTimeout(timer); // a plan that comes later would hide a fault
  planned += 1;
  showFault("fault", "");
  try {
    for (const job of await ask("/recognizers", request())) showJob(job);
    byId("jobs-panel").scrollIntoView({ block: "nearest" });
  } catch (error) {
    showFault("fault", /** @type {Error} */ (error).message);
  }
}
