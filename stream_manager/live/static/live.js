// The page: streams the microphone to the node that serves it, and shows the state of the stream.

import { io } from "./socket.io.esm.min.js";
import { UserError, openMicrophone } from "./microphone.js";

const SOCKET_PATH = new URL("../socket.io/", import.meta.url);
const REQUEST_MS = 15000;
const STATUS_MS = 1000;
const FINAL = new Set(["unauthorized", "live_ports_in_use", "live_streams_off"]);
const NOT_STORED = new Set(["storage_off", "storage_full", "storage_failed"]);
const HINTS = {
  unauthorized: "The node asks for its token, and this is not it. Enter the token, then start again.",
  "websocket error": "The node cannot be reached. Check that it is running.",
};

const element = (id) => document.getElementById(id);
const show = (id, text) => { element(id).textContent = text; };

let session = null;

class Session {
  constructor(token, storage) {
    this.storage = storage;
    this.sentS = 0;
    this.lostS = 0;
    this.ready = false;
    this.socket = io(SOCKET_PATH.origin, {
      path: SOCKET_PATH.pathname,
      auth: token ? { token } : {},
      transports: ["websocket"],
      autoConnect: false,
    });
  }

  async start() {
    setState("Waiting for the microphone");
    this.microphone = await openMicrophone(
      (packet) => this.send(packet),
      () => this.fail("The microphone was disconnected."),
    );
    if (session !== this) {
      this.microphone.stop();
      return;
    }
    show("rate", `${this.microphone.sampleRate} Hz`);
    setState("Connecting");
    this.socket.on("connect", () => this.begin());
    this.socket.on("disconnect", () => this.interrupt("The connection to the node is lost; connecting again"));
    this.socket.on("connect_error", (error) => this.refuse({ code: error.message, message: error.message }));
    this.socket.on("audio", ({ error }) => error && this.refuse(error));
    this.socket.connect();
    this.timer = setInterval(() => this.update(), STATUS_MS);
  }

  async begin() {
    const answer = await this.ask({ add_livestream: "" });
    if (!answer.ok) {
      this.refuse(answer.error);
      return;
    }
    this.ready = true;
    hideAlert();
    setState("Streaming");
    show("port", answer.sys.portname);
    showMount(answer.sys.mounts[0]);
  }

  /** The acknowledgement of a request. */
  async ask(command) {
    try {
      return await this.socket.timeout(REQUEST_MS).emitWithAck("sys", { sys: command });
    } catch {
      return { ok: false, error: { code: "timeout", message: "The node does not answer." } };
    }
  }

  send({ pcm, levelDbfs }) {
    element("level").value = levelDbfs;
    show("level-text", `${levelDbfs.toFixed(0)} dBFS`);
    const samplerate = this.microphone?.sampleRate;
    if (!samplerate || !this.timer) {
      return;
    }
    const durationS = pcm.byteLength / 2 / samplerate;
    if (!this.ready || !this.socket.connected) {
      this.lostS += durationS;
      return;
    }
    this.socket.emit("audio", { buffer: pcm, samplerate, storage: this.storage });
    this.sentS += durationS;
  }

  async update() {
    show("sent", `${this.sentS.toFixed(1)} s`);
    if (!this.ready || !this.socket.connected) {
      return;
    }
    const answer = await this.ask({ sources: "" });
    const streams = (answer.sys?.sources ?? []).flatMap((source) => source.live_streams);
    const own = streams.find((stream) => stream.port === element("port").textContent);
    if (own && session === this) {
      show("gaps", `${own.gaps} (${own.gap_s.toFixed(1)} s)`);
      show("lost", `${(own.dropped_s + this.lostS).toFixed(1)} s`);
      show("recording", own.recording ?? "–");
    }
  }

  interrupt(message) {
    this.ready = false;
    setState(message);
  }

  refuse({ code, message }) {
    const text = HINTS[code] ?? message;
    if (FINAL.has(code)) {
      this.fail(text);
    } else if (NOT_STORED.has(code)) { // it is played nevertheless
      this.storage = code !== "storage_off" && this.storage; // the node tries again
      showAlert(text);
    } else {
      this.interrupt("Waiting for the node");
      showAlert(text);
    }
  }

  fail(message) {
    stop();
    showAlert(message);
  }

  end() {
    clearInterval(this.timer);
    this.timer = null;
    this.microphone?.stop();
    this.socket.disconnect();
  }
}

function setState(text) {
  show("state", text);
}

function showAlert(text) {
  show("alert", text);
  element("alert").hidden = false;
}

function hideAlert() {
  element("alert").hidden = true;
}

/** Link to the mount. The node names it as seen from itself. */
function showMount(address) {
  if (!address) {
    show("mount", "–");
    return;
  }
  const url = new URL(address);
  if (["127.0.0.1", "localhost", "[::1]"].includes(url.hostname)) {
    url.hostname = location.hostname;
  }
  const link = document.createElement("a");
  link.href = link.textContent = url.href;
  element("mount").replaceChildren(link);
}

function stop() {
  session?.end();
  session = null;
  element("start").disabled = false;
  element("stop").disabled = true;
  element("level").value = -60;
  show("level-text", "–");
  setState("Stopped");
}

element("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  hideAlert();
  element("start").disabled = true;
  element("stop").disabled = false;
  const started = new Session(element("token").value.trim(), element("storage").checked);
  session = started;
  try {
    await started.start();
  } catch (error) {
    if (session === started) {
      started.fail(error instanceof UserError ? error.message : `This page has failed: ${error.message}`);
    }
  }
});

element("stop").addEventListener("click", stop);
addEventListener("pagehide", stop);
