// The connection that brings what changes. It is closed while nobody looks at the page, and resumed.

const RETRY_MS = 5000;

/**
 * @typedef {object} EventHandlers
 * @property {Record<string, (data: any) => void>} handlers what is done with each kind of event
 * @property {(isFirst: boolean) => void} [onOpen] if it is not the first time, something may have been missed
 * @property {() => void} onAway
 * @property {() => boolean} [isNeeded] whether it is also needed while the page is hidden
 */

/**
 * Receive server-sent events for as long as the page is shown, or `isNeeded`.
 * @param {string} address where the events come from
 * @param {EventHandlers} options
 * @returns {(changed: string) => void} receives them from another address
 */
export function followEvents(address, { handlers, onOpen = () => {}, onAway, isNeeded = () => false }) {
  /** @type {EventSource | null} */
  let source = null;
  let timer = 0;
  let isFirst = true;

  function open() {
    window.clearTimeout(timer);
    source?.close();
    source = new EventSource(address);
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
    }
    source.addEventListener("open", () => {
      onOpen(isFirst);
      isFirst = false;
    });
    source.addEventListener("error", () => {
      onAway();
      if (source?.readyState === EventSource.CLOSED) retryLater(); // the console refused; it says why if it is asked
    });
  }

  function retryLater() {
    timer = window.setTimeout(async () => {
      try {
        const answer = await fetch(address.replace(/\/events(\?.*)?$/, ""));
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
  return (changed) => {
    address = changed;
    if (source && source.readyState !== EventSource.CLOSED) open();
  };
}
