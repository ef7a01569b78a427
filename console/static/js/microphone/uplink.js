/** Sends audio to the console, one request at a time. What cannot be sent in time is dropped and counted. */

const LONGEST_WAIT_S = 3;
const RETRY_MS = 1000;

/**
 * @typedef {{received_s: number, gaps: number, gap_s: number, dropped_s: number, recording: string | null,
 *   problem: string | null}} UplinkState
 */

/** The console, or the node behind it, refuses; the message is for people. */
export class UplinkError extends Error {
  /**
   * @param {string} message
   * @param {number} status
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} address
 * @param {RequestInit} request
 * @returns {Promise<any>} the JSON of the answer
 */
async function ask(address, request) {
  const answer = await fetch(address, request);
  const body = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new UplinkError(body?.error?.message ?? `The console answers with ${answer.status}.`, answer.status);
  return body;
}

/**
 * @param {{api: string, csrf: string, rate_hz: number, isKept: boolean}} options
 * @param {{onState: (state: UplinkState) => void, onBegin: (port: string) => void,
 *   onTrouble: (message: string) => void, onFatal: (message: string) => void}} handlers
 */
export function makeUplink({ api, csrf, rate_hz, isKept }, { onState, onBegin, onTrouble, onFatal }) {
  const headers = { "X-CSRF-Token": csrf };
  /** @type {ArrayBuffer[]} */
  let waiting = [];
  let waiting_s = 0;
  let lost_s = 0;
  let isEnded = false;
  /** @type {string | null} */
  let id = null;

  /** @param {ArrayBuffer} pcm */
  function send(pcm) {
    waiting.push(pcm);
    waiting_s += pcm.byteLength / 2 / rate_hz;
    while (waiting_s > LONGEST_WAIT_S) {
      const oldest_s = (waiting.shift()?.byteLength ?? 0) / 2 / rate_hz;
      waiting_s -= oldest_s;
      lost_s += oldest_s;
    }
  }

  async function begin() {
    const body = JSON.stringify({ rate_hz, is_kept: isKept });
    const begun = await ask(api, { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body });
    id = begun.id;
    onBegin(begun.port);
  }

  /** Send what waits, or wait a moment if there is nothing. */
  async function step() {
    if (!id) await begin();
    if (waiting.length === 0) {
      await new Promise((resolve) => window.setTimeout(resolve, 50));
      return;
    }
    const body = new Blob(waiting);
    waiting = [];
    waiting_s = 0;
    const type = { "Content-Type": "application/octet-stream" };
    onState(await ask(`${api}/${id}/audio`, { method: "POST", headers: { ...headers, ...type }, body }));
  }

  async function run() {
    while (!isEnded) {
      try {
        await step();
      } catch (error) {
        if (isEnded) return;
        const status = error instanceof UplinkError ? error.status : 0;
        const message = error instanceof UplinkError ? error.message : "The console does not answer.";
        if ([401, 403, 422].includes(status)) {
          onFatal(status === 401 ? "The session has ended. Log in again." : message);
          return;
        }
        if (status === 404 || status === 503) id = null; // the stream has ended: begin another one
        onTrouble(message);
        await new Promise((resolve) => window.setTimeout(resolve, RETRY_MS));
      }
    }
  }

  function end() {
    isEnded = true;
    if (id) fetch(`${api}/${id}`, { method: "DELETE", headers, keepalive: true }).catch(() => {});
  }

  run();
  return {
    send,
    end,
    get lost_s() {
      return lost_s;
    },
  };
}
