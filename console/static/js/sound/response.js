// What a response of the REST API states about a sound.

/**
 * When a sound begins, in milliseconds since 1970; null if nobody knows.
 * @param {string | null} attribute
 * @param {Headers} headers
 */
export function startOf(attribute, headers) {
  const text = headers.get("X-Sound-Start") ?? attribute;
  const time = text ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? null : time;
}

/**
 * What was not recorded.
 * @param {Headers} headers
 * @returns {import("./layer.js").Gap[]}
 */
export function gapsOf(headers) {
  return (headers.get("X-Sound-Gaps") ?? "")
    .split(",")
    .filter(Boolean)
    .map((gap) => {
      const [startS, durationS] = gap.split("+").map(Number);
      return { startS, durationS };
    });
}

/**
 * In how many seconds a sound that is still being recorded will be there; null if it is not being recorded.
 * @param {Response} response
 * @returns {Promise<number | null>}
 */
export async function waitOf(response) {
  const waitS = Number(response.headers.get("Retry-After"));
  if (response.status !== 503 || !waitS) return null;
  try {
    return (await response.clone().json()).error.code === "still_recording" ? waitS : null;
  } catch {
    return null; // not from the REST API
  }
}

/**
 * Why a request failed, as the REST API says.
 * @param {Response} response
 * @returns {Promise<string>}
 */
export async function reasonOf(response) {
  try {
    const { error } = await response.json();
    if (error?.message) return error.message;
  } catch {
    // not from the REST API
  }
  return `The sound cannot be loaded (${response.status}).`;
}
