// Collects the samples of the microphone into packets of 16-bit PCM. It runs in the audio thread.

const PACKET_S = 0.1;
const FULL_SCALE = 32768;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.packet = new Int16Array(Math.round(sampleRate * PACKET_S));
    this.length = 0;
    this.energy = 0;
  }

  /** @param {Float32Array[][]} inputs */
  process([input]) {
    for (const sample of input[0] ?? []) {
      const value = Math.round(sample * FULL_SCALE);
      this.packet[this.length] = Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, value));
      this.length += 1;
      this.energy += sample * sample;
      if (this.length === this.packet.length) this.send();
    }
    return true;
  }

  send() {
    const level_dbfs = 10 * Math.log10(Math.max((2 * this.energy) / this.length, 1e-12));
    const pcm = this.packet.buffer;
    this.packet = new Int16Array(this.packet.length);
    this.length = 0;
    this.energy = 0;
    this.port.postMessage({ pcm, level_dbfs }, [pcm]);
  }
}

registerProcessor("capture", Capture);
