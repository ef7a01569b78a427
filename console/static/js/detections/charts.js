// The charts read out what is under the pointer, and a click shows that day alone.

/** Watch the charts, also those that are loaded later. */
export function watchCharts() {
  const charts = document.getElementById("charts");
  charts?.addEventListener("pointermove", (event) => showReadout(event));
  charts?.addEventListener("pointerleave", () => {
    for (const readout of charts.querySelectorAll("[data-readout]")) readout.textContent = "";
  });
  charts?.addEventListener("click", (event) => showDays(event));
  if (charts) keepTablesOpen(charts);
}

/**
 * Tables that are open stay so when the charts are loaded again.
 * @param {HTMLElement} charts
 */
function keepTablesOpen(charts) {
  /** @type {number[]} */
  let open = [];
  const tables = () => [.../** @type {NodeListOf<HTMLDetailsElement>} */ (charts.querySelectorAll("details"))];
  charts.addEventListener("htmx:beforeSwap", () => {
    open = tables().flatMap((table, number) => (table.open ? [number] : []));
  });
  charts.addEventListener("htmx:afterSwap", () => {
    for (const [number, table] of tables().entries()) table.open = open.includes(number);
  });
}

/**
 * @param {MouseEvent} event
 * @returns {{ plot: HTMLElement, box: Element, column: number, row: number } | null}
 */
function placeOf(event) {
  const box = event.target instanceof Element ? event.target.closest(".plot-box") : null;
  const plot = /** @type {HTMLElement | null} */ (box?.closest(".plot"));
  if (!box || !plot) return null;
  const { left, top, width, height } = box.getBoundingClientRect();
  const columns = bars()?.dataset.bins?.split("|").length ?? 1;
  const column = Math.min(Math.floor(((event.clientX - left) / width) * columns), columns - 1);
  const row = Math.min(Math.floor(((event.clientY - top) / height) * 24), 23);
  return { plot, box, column: Math.max(column, 0), row: Math.max(row, 0) };
}

/** @returns {HTMLElement | null} the plot that names the days of the columns */
function bars() {
  return document.querySelector('[data-plot="bars"]');
}

/** @param {PointerEvent} event */
function showReadout(event) {
  const place = placeOf(event);
  const readout = place?.plot.closest(".chart")?.querySelector("[data-readout]");
  if (!place || !readout) return;
  const day = bars()?.dataset.bins?.split("|")[place.column] ?? "";
  if (place.plot.dataset.plot === "heat") {
    const count = place.plot.dataset.counts?.split(",")[24 * place.column + place.row] ?? "0";
    readout.textContent = `${day}, ${place.row} to ${place.row + 1} h: ${count}`;
    return;
  }
  const series = /** @type {HTMLElement[]} */ ([...place.box.querySelectorAll("[data-counts]")]);
  const counts = series.map((path) => ({ label: path.dataset.label, n: Number(path.dataset.counts?.split(",")[place.column]) }));
  const total = counts.reduce((sum, { n }) => sum + n, 0);
  const parts = counts.filter(({ n }) => n).map(({ label, n }) => `${label} ${n}`);
  readout.textContent = `${day}: ${total}${parts.length ? ` (${parts.join(", ")})` : ""}`;
}

/** @param {MouseEvent} event */
function showDays(event) {
  const place = placeOf(event);
  const days = bars()?.dataset;
  if (!place || !days) return;
  const address = new URL(window.location.href);
  address.searchParams.set("first_day", days.first?.split("|")[place.column] ?? "");
  address.searchParams.set("last_day", days.last?.split("|")[place.column] ?? "");
  window.location.assign(address);
}
