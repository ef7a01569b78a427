// Collects the samples of the microphone into packets of 16-bit PCM. Runs in the audio thread.

const PACKET_S = 0.1;
const FULL_SCALE = 32768;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.begin();
  }

  begin() {
    this.packet = new Int16Array(Math.round(sampleRate * PACKET_S));
    this.length = 0;
    this.energy = 0;
  }

  process([input]) {
    for (const sample of input[0] ?? []) {
      const value = Math.round(sample * FULL_SCALE);
      this.packet[this.length++] = Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, value));
      this.energy += sample * sample;
      if (this.length === this.packet.length) {
        this.send();
      }
    }
    return true;
  }

  send() {
    const levelDbfs = 10 * Math.log10(Math.max(this.energy / this.length, 1e-12));
    this.port.postMessage({ pcm: this.packet.buffer, levelDbfs }, [this.packet.buffer]);
    this.begin();
  }
}

registerProcessor("capture", Capture);
