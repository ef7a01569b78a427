/** Spectrograms that scroll: of a microphone, or of what an audio element plays, in step with what is heard. */

const WINDOW = 2048;
const PIXELS_PER_S = 60;
const LOWEST_DB = -105;
const HIGHEST_DB = -35;
const COLORS = ["--sunken", "--accent-soft", "--accent", "--ink"];
const HIGHEST_HZ = 12000;

/**
 * The colors from silence to the loudest sound, in the colors of the page.
 * @returns {Uint8ClampedArray} 256 times red, green and blue
 */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const stops = COLORS.map((name) => {
    const hex = style.getPropertyValue(name).trim().slice(1);
    return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  });
  const colors = new Uint8ClampedArray(3 * 256);
  for (let level = 0; level < 256; level += 1) {
    const at = (level / 255) * (stops.length - 1);
    const first = Math.min(stops.length - 2, Math.floor(at));
    for (const part of [0, 1, 2]) {
      colors[3 * level + part] = stops[first][part] + (at - first) * (stops[first + 1][part] - stops[first][part]);
    }
  }
  return colors;
}

/**
 * A spectrogram that scrolls, the newest at the right.
 * @param {HTMLCanvasElement} canvas
 * @param {() => boolean} isPaused whether nothing is to be drawn at present
 */
export function makeScroll(canvas, isPaused) {
  let frame = 0;
  let drawn_s = 0;
  const drawing = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));

  /** @param {Uint8ClampedArray} colors */
  function clear(colors) {
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * window.devicePixelRatio));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * window.devicePixelRatio));
    drawing.fillStyle = `rgb(${colors[0]} ${colors[1]} ${colors[2]})`;
    drawing.fillRect(0, 0, canvas.width, canvas.height);
  }

  /**
   * @param {AudioContext} context
   * @param {AnalyserNode} analyser made with `makeScroll.analysis`
   */
  function start(context, analyser) {
    window.cancelAnimationFrame(frame);
    const colors = palette();
    clear(colors);
    const levels = new Uint8Array(analyser.frequencyBinCount);
    const column = drawing.createImageData(1, canvas.height);
    const hz = Math.min(HIGHEST_HZ, context.sampleRate / 2);
    const binsPerPixel = (hz / context.sampleRate) * (WINDOW / canvas.height);
    drawn_s = context.currentTime;

    /** Draw the columns that are due, the newest at the right. */
    function draw() {
      frame = window.requestAnimationFrame(draw);
      const step = Math.floor((context.currentTime - drawn_s) * PIXELS_PER_S);
      if (step < 1 || isPaused()) return;
      drawn_s += step / PIXELS_PER_S;
      analyser.getByteFrequencyData(levels);
      for (let y = 0; y < canvas.height; y += 1) {
        const level = levels[Math.floor((canvas.height - 1 - y) * binsPerPixel)];
        column.data.set(colors.subarray(3 * level, 3 * level + 3), 4 * y);
        column.data[4 * y + 3] = 255;
      }
      const shift = Math.min(step, canvas.width);
      drawing.drawImage(canvas, -shift, 0);
      for (let x = canvas.width - shift; x < canvas.width; x += 1) drawing.putImageData(column, x, 0);
    }
    draw();
  }

  return { start, stop: () => window.cancelAnimationFrame(frame) };
}

/** How an AnalyserNode is made for a scroll. */
makeScroll.analysis = { fftSize: WINDOW, smoothingTimeConstant: 0, minDecibels: LOWEST_DB, maxDecibels: HIGHEST_DB };

/**
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLAudioElement} audio of the same origin; from the first start on, it is heard through the analysis
 */
export function makeSpectrogram(canvas, audio) {
  /** @type {AudioContext | null} */
  let context = null;
  /** @type {AnalyserNode | null} */
  let analyser = null;
  const scroll = makeScroll(canvas, () => audio.paused);

  function connect() {
    context = new AudioContext();
    analyser = new AnalyserNode(context, makeScroll.analysis);
    context.createMediaElementSource(audio).connect(analyser).connect(context.destination);
  }

  function start() {
    if (!context) connect();
    if (!context || !analyser) return;
    context.resume();
    scroll.start(context, analyser);
  }

  function stop() {
    scroll.stop();
    context?.suspend();
  }

  return { start, stop };
}
