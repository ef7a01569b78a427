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
