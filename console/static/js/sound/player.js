// Plays samples at their own rate: a part of them, a band of frequencies, slowly or fast, louder or softer.
// It has the properties, methods and events of an HTMLMediaElement that wavesurfer.js uses.

import { bandPass } from "./filters.js";

/** @typedef {import("./filters.js").Band} Band */

const TICK_MS = 50;

export class SoundPlayer extends EventTarget {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AudioBufferSourceNode | null} */
  #source = null;
  /** @type {GainNode | null} */
  #gain = null;
  /** @type {Float32Array<ArrayBuffer>} */
  #samples;
  #rateHz;
  #offsetS = 0;
  #startedS = 0;
  #speed = 1;
  #gainDb = 0;
  #loop = false;
  #timer = 0;
  /** @type {[number, number] | null} */
  #part = null;
  /** @type {Band | null} */
  #band = null;

  // What wavesurfer.js reads of a media element, and which this one has no use for.
  src = "";
  currentSrc = "";
  volume = 1;
  muted = false;
  seeking = false;
  preservesPitch = false;
  ended = false;

  /**
   * @param {Float32Array<ArrayBuffer>} samples
   * @param {number} rateHz
   */
  constructor(samples, rateHz) {
    super();
    this.#samples = samples;
    this.#rateHz = rateHz;
  }

  get duration() {
    return this.#samples.length / this.#rateHz;
  }

  get paused() {
    return this.#source === null;
  }

  /** Whether it repeats what it plays. */
  get loop() {
    return this.#loop;
  }

  set loop(isOn) {
    this.#offsetS = this.currentTime;
    this.#loop = isOn;
    this.#restart();
  }

  /** Speed, 0.1 to 2; the pitch changes with it, so that bats can be heard. */
  get playbackRate() {
    return this.#speed;
  }

  set playbackRate(speed) {
    const at = this.currentTime;
    this.#speed = speed;
    this.#offsetS = at;
    this.#restart();
    this.dispatchEvent(new Event("ratechange"));
  }

  /** Amplification in dB. */
  get gainDb() {
    return this.#gainDb;
  }

  set gainDb(db) {
    this.#gainDb = db;
    if (this.#gain && this.#context) this.#gain.gain.setTargetAtTime(10 ** (db / 20), this.#context.currentTime, 0.01);
  }

  /** The band that is heard; null for all. */
  get band() {
    return this.#band;
  }

  get currentTime() {
    if (!this.#source || !this.#context) return this.#offsetS;
    const [start, end] = this.#part ?? [0, this.duration];
    const passed = (this.#context.currentTime - this.#startedS) * this.#speed;
    const at = this.#offsetS + Math.max(0, passed);
    if (at < end) return at;
    return this.#loop && end > start ? start + ((at - start) % (end - start)) : end;
  }

  set currentTime(timeS) {
    this.#offsetS = Math.min(this.duration, Math.max(0, timeS));
    if (this.#part && (timeS < this.#part[0] || timeS >= this.#part[1])) this.#part = null;
    this.ended = false;
    this.#restart();
    this.dispatchEvent(new Event("timeupdate"));
  }

  /** Play from the current time, or from the beginning if it is at the end. */
  async play() {
    if (this.#source) return;
    const [start, end] = this.#part ?? [0, this.duration];
    if (this.#offsetS >= end - 1e-3 || this.#offsetS < start) this.#offsetS = start;
    const context = this.#opened();
    if (context.state === "suspended") await context.resume();
    if (this.#source) return; // another call was faster
    this.ended = false;
    this.#begin(context);
    this.dispatchEvent(new Event("play"));
    this.#timer = window.setInterval(() => this.dispatchEvent(new Event("timeupdate")), TICK_MS);
  }

  /**
   * Play a part, and of it only a band if there is one.
   * @param {number} startS
   * @param {number} endS
   * @param {Band | null} band
   */
  async playPart(startS, endS, band) {
    this.pause();
    this.#part = [Math.max(0, startS), Math.min(this.duration, endS)];
    this.#band = band;
    this.#offsetS = this.#part[0];
    await this.play();
  }

  /** Play all, from the current time. */
  async playAll() {
    this.#part = null;
    this.#band = null;
    await this.play();
  }

  pause() {
    if (!this.#source) return;
    this.#offsetS = this.currentTime;
    this.#stop();
    window.clearInterval(this.#timer);
    this.dispatchEvent(new Event("timeupdate"));
    this.dispatchEvent(new Event("pause"));
  }

  /** Release the sound card. */
  close() {
    this.pause();
    void this.#context?.close();
    this.#context = null;
  }

  // What wavesurfer.js calls, without effect here.
  load() {}
  remove() {}
  removeAttribute() {}
  canPlayType() {
    return "";
  }

  #opened() {
    if (this.#context) return this.#context;
    try {
      this.#context = new AudioContext({ sampleRate: this.#rateHz });
    } catch {
      this.#context = new AudioContext(); // the browser does not support the rate
    }
    return this.#context;
  }

  /** @param {AudioContext} context */
  #begin(context) {
    const buffer = context.createBuffer(1, this.#samples.length, this.#rateHz);
    buffer.copyToChannel(this.#samples, 0);
    const source = new AudioBufferSourceNode(context, { buffer, playbackRate: this.#speed });
    const gain = new GainNode(context, { gain: 10 ** (this.#gainDb / 20) });
    this.#route(context, source).connect(gain).connect(context.destination);
    const [start, end] = this.#part ?? [0, this.duration];
    source.loop = this.#loop;
    source.loopStart = start;
    source.loopEnd = end;
    if (this.#loop) source.start(0, this.#offsetS);
    else source.start(0, this.#offsetS, Math.max(0, end - this.#offsetS));
    source.addEventListener("ended", () => source === this.#source && this.#end());
    this.#source = source;
    this.#gain = gain;
    this.#startedS = context.currentTime;
  }

  /**
   * @param {AudioContext} context
   * @param {AudioNode} source
   */
  #route(context, source) {
    if (!this.#band) return source;
    // The filters hear what is played: slowly played sound is lower.
    const { lowHz, highHz } = this.#band;
    const filter = bandPass(context, { lowHz: lowHz * this.#speed, highHz: highHz * this.#speed });
    source.connect(filter.input);
    return filter.output;
  }

  #stop() {
    const source = this.#source;
    this.#source = null;
    source?.stop();
    source?.disconnect();
  }

  #restart() {
    if (!this.#source || !this.#context) return;
    this.#stop();
    this.#begin(this.#context);
  }

  #end() {
    const [, end] = this.#part ?? [0, this.duration];
    this.#source = null;
    this.#offsetS = end;
    this.ended = true;
    window.clearInterval(this.#timer);
    this.dispatchEvent(new Event("timeupdate"));
    this.dispatchEvent(new Event("pause"));
    this.dispatchEvent(new Event("ended"));
  }
}
