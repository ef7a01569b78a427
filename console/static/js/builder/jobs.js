// The list of jobs: as they are, and then as the console reports them.

import { followEvents } from "../live-events.js";
import { MODELS, ask, element, showFault } from "./api.js";

const KINDS = ["recognizer", "training", "dataset"];
const SHOWN = 8;
/** @type {Record<string, string>} */
const STATES = { queued: "", running: "", done: "good", failed: "bad", cancelled: "" };

/** @typedef {{id: number, kind: string, title: string, state: string, progress: number | null, message: string,
 *   result: any, created: string}} Job */

const list = /** @type {HTMLElement} */ (document.getElementById("jobs"));
const panel = /** @type {HTMLElement} */ (document.getElementById("jobs-panel"));
/** @type {Map<number, Job>} */
const jobs = new Map();

/**
 * Show jobs and follow them.
 * @param {(job: Job) => void} onChange called with each that has changed
 */
export function followJobs(onChange) {
  followEvents(`${document.getElementById("builder")?.dataset.api}/live/events`, {
    handlers: {
      job: (/** @type {Job} */ job) => {
        showJob(job);
        onChange(job);
      },
    },
    onOpen: () => void read(), // again after each break, in which events were missed
    onAway: () => {},
  });
}

/** @param {Job} job */
export function showJob(job) {
  if (!KINDS.includes(job.kind)) return;
  jobs.set(job.id, job);
  show();
}

async function read() {
  const found = await ask(`/jobs?limit=${SHOWN}&${KINDS.map((kind) => `kind=${kind}`).join("&")}`);
  for (const job of found.items) jobs.set(job.id, job);
  show();
}

function show() {
  const newest = [...jobs.values()].sort((one, other) => other.id - one.id).slice(0, SHOWN);
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.cancel;
  list.replaceChildren(...newest.map(row));
  panel.hidden = newest.length === 0;
  if (focused) /** @type {HTMLElement | null} */ (list.querySelector(`[data-cancel="${focused}"]`))?.focus();
}

/**
 * @param {Job} job
 * @returns {HTMLElement}
 */
function row(job) {
  const item = element("li", "job");
  item.dataset.job = String(job.id);
  const title = element("p", "job-title");
  if (job.state === "done" && job.kind !== "dataset") {
    const link = element("a", "", job.title);
    link.href = `${MODELS}/${encodeURIComponent(job.title)}`;
    title.append(link);
  } else {
    title.append(job.title);
  }
  title.append(" ", element("span", `state ${STATES[job.state]}`, job.state));
  item.append(title);
  if (job.state === "running") item.append(bar(job));
  const text = job.state === "done" ? summary(job) : job.message;
  if (text) item.append(element("p", job.state === "failed" ? "job-fault small" : "quiet small", text));
  if (job.state === "running" || job.state === "queued") item.append(cancelButton(job));
  return item;
}

/** @param {Job} job */
function bar(job) {
  const progress = element("progress");
  progress.max = 1;
  if (job.progress !== null) progress.value = job.progress;
  progress.setAttribute("aria-label", `Progress of ${job.title}`);
  return progress;
}

/** @param {Job} job */
function cancelButton(job) {
  const button = element("button", "button compact", "Cancel");
  button.type = "button";
  button.dataset.cancel = String(job.id);
  button.setAttribute("aria-label", `Cancel ${job.title}`);
  button.addEventListener("click", () => {
    button.disabled = true;
    ask(`/jobs/${job.id}/cancel`, {}).then(showJob, (error) => showFault("fault", error.message));
  });
  return button;
}

/**
 * @param {Job} job
 * @returns {string}
 */
function summary(job) {
  if (job.kind === "dataset") {
    const clips = Object.entries(job.result?.classes ?? {}).map(([label, count]) => `${label} ${count}`);
    return `Dataset: ${clips.join(", ")}`;
  }
  const { macro_f1: score, false_alarms_per_hour: alarms, seconds, bundles } = job.result ?? {};
  const f1 = score ?? bundles?.[0]?.macro_f1;
  const parts = [
    typeof f1 === "number" ? `macro F1 ${f1.toFixed(3)} on the test` : "not tested",
    typeof alarms === "number" ? `${alarms.toFixed(2)} false alarms per hour of background` : "",
    typeof seconds === "number" ? `${seconds.toFixed(1)} s` : "",
  ];
  return parts.filter(Boolean).join(", ");
}
