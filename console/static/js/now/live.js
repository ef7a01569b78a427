/**
 * The connection that brings what is heard. It is closed while nobody looks at the page, and resumed.
 *
 * @typedef {{name: string, probability: number, is_detected: boolean}} ClassProbability
 * @typedef {{port: string, level_dbfs: number | null, time: string | null, classes: ClassProbability[],
 *   has_gap: boolean}} LiveChannel
 * @typedef {{id: string, is_open: boolean, source: string, channel: string, path: string[], start: string,
 *   end: string, probability: number}} LiveDetection
 * @typedef {{time: string, layout: string, remarks: string[], channels: LiveChannel[],
 *   detections: LiveDetection[]}} LiveUpdate
 */

const RETRY_MS = 5000;

/**
 * Receive updates for as long as the page is shown, or `isNeeded`.
 * @param {string} address where the events come from
 * @param {{onUpdate: (update: LiveUpdate) => void, onAway: () => void, isNeeded: () => boolean}} handlers
 */
export function followLive(address, { onUpdate, onAway, isNeeded }) {
  /** @type {EventSource | null} */
  let source = null;
  let timer = 0;

  function open() {
    window.clearTimeout(timer);
    source?.close();
    source = new EventSource(address);
    source.addEventListener("live", (event) => onUpdate(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      onAway();
      if (source?.readyState === EventSource.CLOSED) retryLater(); // the console refused; it says why if it is asked
    });
  }

  function retryLater() {
    timer = window.setTimeout(async () => {
      try {
        const answer = await fetch(address.replace(/\/events$/, ""));
        if (answer.status === 401) window.location.reload(); // the session has ended
      } catch {
        // the console is away
      }
      open();
    }, RETRY_MS);
  }

  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      if (!source || source.readyState === EventSource.CLOSED) open();
    } else if (!isNeeded()) {
      window.clearTimeout(timer);
      source?.close(); // browsers allow few connections to a server
    }
  });
  open();
}
