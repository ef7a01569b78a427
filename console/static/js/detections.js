// The page of detections: opening and judging them by mouse, touch and keyboard, new ones, and readouts of the charts.

import { Judge } from "./detections/judge.js";
import { onKey } from "./detections/keys.js";
import { DetectionRows } from "./detections/rows.js";
import { watchCharts } from "./detections/charts.js";
import { keepUpToDate } from "./detections/live.js";
import { openWanted } from "./detections/wanted.js";

const list = /** @type {HTMLElement | null} */ (document.getElementById("detections"));

if (list) {
  const rows = new DetectionRows(list);
  const judge = new Judge(rows);
  document.addEventListener("keydown", (event) => onKey(event, rows, judge));
  if (list.dataset.live === "yes") keepUpToDate(rows);
  openWanted(rows, new URLSearchParams(window.location.search));
}

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-filters]"))) {
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });
}

watchCharts();
