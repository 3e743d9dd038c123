// Owns: what a person would notice of the page: a chart that isn't there, a text that is cut off.

const LIMIT_MS = 20000;
const STILL_FRAMES = 5; // text fits itself to its box, legends are measured before charts are drawn

/** Wait until every chart is drawn and nothing moves; the titles of those that never were. */
export async function settled() {
  const limit = performance.now() + LIMIT_MS;
  let [before, still] = ['', 0];
  while (performance.now() < limit && (still < STILL_FRAMES || undrawn().length > 0)) {
    await new Promise(requestAnimationFrame);
    const now = `${document.body.innerText.length} ${document.querySelectorAll('*').length}`;
    still = now === before ? still + 1 : 0;
    before = now;
  }
  return undrawn();
}

function undrawn() {
  const charts = [...document.querySelectorAll('[data-chart]')];
  return charts.filter((one) => !one.querySelector('.uplot canvas')).map((one) => one.dataset.chart);
}

/** The texts that end in an ellipsis for want of room. */
export function cutOff() {
  const all = [...document.querySelectorAll('#root *')].filter((one) => one.scrollWidth > one.clientWidth + 1);
  const short = all.filter((one) => getComputedStyle(one).textOverflow === 'ellipsis' && one.children.length === 0);
  return [...new Set(short.map((one) => one.textContent))];
}
