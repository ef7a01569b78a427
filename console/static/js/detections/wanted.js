// The detection that an address names by its start and its channel is opened, also if it is not stored yet.

/** @typedef {import("./rows.js").DetectionRows} DetectionRows */

const TOLERANCE_S = 0.001;

/**
 * @param {DetectionRows} rows
 * @param {URLSearchParams} address with `open`, a start in ISO 8601, and `on`, a channel
 */
export function openWanted(rows, address) {
  const start = Date.parse(address.get("open") ?? "") / 1000;
  if (Number.isNaN(start)) return;

  function open() {
    const row = found(rows, start, address.get("on") ?? "");
    if (!row) return;
    stop();
    void rows.open(row);
  }

  const watched = new MutationObserver(open);
  watched.observe(rows.list, { childList: true });
  const stop = () => watched.disconnect();
  for (const event of ["click", "keydown"]) document.addEventListener(event, stop, { once: true });
  open();
}

/**
 * The row of a detection; if several began at that time, the one of the channel.
 * @param {DetectionRows} rows
 * @param {number} start in seconds since 1970
 * @param {string} channel
 */
function found(rows, start, channel) {
  const begun = rows.all.filter((row) => Math.abs(Number(row.dataset.start) - start) < TOLERANCE_S);
  return begun.find((row) => row.querySelector(".detection-channel")?.textContent === channel) ?? begun[0];
}
