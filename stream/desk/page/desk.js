// The desk: questions, the token, and the stream of what happens. Knows nothing of how anything looks.
//
// The stream is read with fetch rather than EventSource, so that the token travels in a header and never in an address.

const KEY = "lapse-token";
const NAME = "lapse-name";
const QUIET_MS = 12000; // the desk says something every five seconds; longer silence is a dead line
const LONGEST_WAIT_MS = 15000;
const FRAGMENT = "#token=";

export class Refused extends Error {
  constructor(status, says) { super(says); this.status = status; }
}

function kept(key, value) {
  try {
    if (value === undefined) return sessionStorage.getItem(key) ?? "";
    if (value) sessionStorage.setItem(key, value); else sessionStorage.removeItem(key);
  } catch { /* a browser that keeps nothing: the token lasts as long as the page */ }
  return value ?? "";
}

if (location.hash.startsWith(FRAGMENT)) {
  kept(KEY, decodeURIComponent(location.hash.slice(FRAGMENT.length)));
  history.replaceState(null, "", location.pathname + location.search);
}

let token = kept(KEY);
let name = kept(NAME);
export const hasToken = () => token !== "";
export const setToken = (value) => { token = kept(KEY, value.trim()); };
export const myName = () => name;
export const setName = (value) => { name = kept(NAME, value.trim()); };

const headers = () => (token ? { Authorization: `Bearer ${token}` } : {});

export async function ask(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "" && value !== undefined));
  return read(await fetch(`/api/${path}${query.size ? `?${query}` : ""}`, { headers: headers() }));
}

export async function say(path, body) {
  const given = { method: "POST", headers: { ...headers(), "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return read(await fetch(`/api/${path}`, given));
}

async function read(response) {
  const content = await response.json().catch(() => ({ error: `the desk answered ${response.status}` }));
  if (!response.ok) throw new Refused(response.status, content.error ?? `the desk answered ${response.status}`);
  return content;
}

// Calls on.now(now), on.alert(line), on.lost() and on.state("live" | "lost" | "refused", says) for ever.
export function listen(on) {
  let stopped = false;
  let waits = 0;
  let reader = null;
  const loop = async () => {
    while (!stopped) {
      try {
        const response = await fetch("/api/stream", { headers: { ...headers(), Accept: "text/event-stream" }, cache: "no-store" });
        if (response.status === 401 || response.status === 403) { await read(response); }
        if (!response.ok) throw new Error(`the desk answered ${response.status}`);
        reader = response.body.getReader();
        if (waits > 0) on.lost();
        waits = 0;
        on.state("live", "live");
        await drain(reader, on);
        throw new Error("the desk closed the line");
      } catch (error) {
        if (stopped) return;
        if (error instanceof Refused) { on.state("refused", error.message); return; }
        const wait = Math.min(1000 * 2 ** waits, LONGEST_WAIT_MS);
        waits += 1;
        on.state("lost", `no line to the desk, trying again${wait > 2000 ? ` in ${Math.round(wait / 1000)} s` : ""}`);
        await new Promise((go) => setTimeout(go, wait));
      }
    }
  };
  loop();
  return () => { stopped = true; reader?.cancel().catch(() => {}); };
}

async function drain(reader, on) {
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    let timer;
    const quiet = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error("the desk says nothing")), QUIET_MS); });
    const { value, done } = await Promise.race([reader.read(), quiet]).finally(() => clearTimeout(timer)).catch((error) => {
      reader.cancel().catch(() => {});
      throw error;
    });
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const found = /^event: (\w+)\ndata: (.*)$/s.exec(block);
      if (found) on[found[1]]?.(JSON.parse(found[2]));
    }
  }
}
