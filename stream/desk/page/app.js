// The page: puts the panels in their places, and the stream into the panels.

import { fill, h, setTitles, setZone } from "./dom.js";
import { ask, hasToken, listen, setToken } from "./desk.js";
import { monthPanel, nowPanel, segmentsPanel, trustStrip } from "./figures.js";
import { alertsPanel, feedPanel } from "./alerts.js";
import { customerPage, policyPage } from "./stories.js";

const SLOW_MS = 20000; // figures that only move when a day ends
const main = document.getElementById("main");
const link = document.getElementById("link");
const linkSays = document.getElementById("link-says");
const banner = document.getElementById("banner");
const key = document.getElementById("key");
let clock = null;
let heard = null;
let stop = () => {};

document.getElementById("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = event.target.elements.id.value.trim();
  if (id) location.assign(`/customers/${encodeURIComponent(id)}`);
});
key.addEventListener("click", () => { setToken(""); location.reload(); });

function state(name, says) {
  link.dataset.state = name;
  linkSays.textContent = says;
  document.body.dataset.link = name;
  banner.hidden = name === "live";
  const since = heard ? `What you see is from ${heard.toLocaleTimeString("en-GB")}.` : "Nothing was read yet.";
  if (name === "lost") banner.textContent = `No line to the desk: ${since} This page keeps trying.`;
  if (name === "refused") { banner.textContent = `The desk refuses the token: ${says}.`; }
}

async function nowPage() {
  const trust = trustStrip();
  const now = nowPanel((severity) => alerts.toggle(severity));
  const feed = feedPanel();
  const month = monthPanel();
  const segments = segmentsPanel((segment) => alerts.choose(segment));
  const alerts = alertsPanel({ clock: () => clock, onFilter: now.press, onToken: () => { feed.load(); connect(); } });
  fill(main, h("h1", { class: "hidden" }, "Customers about to leave"), trust.element,
    h("div", { class: "columns" },
      h("div", { class: "left" }, now.element, alerts.element),
      h("div", { class: "right" }, feed.element, month.element, segments.element)));
  let names = "";
  const told = (content) => {
    clock = content.trust.clock;
    heard = new Date();
    trust.update(content);
    setZone(content.zone);
    setTitles(content.titles);
    now.update(content);
    const signs = Object.keys(content.sign).sort();
    if (JSON.stringify([signs, content.segments]) !== names) {
      names = JSON.stringify([signs, content.segments]);
      alerts.names(signs, content.segments);
      month.names(["all", ...content.segments]);
    }
  };
  const slow = () => Promise.allSettled([month.load(), segments.load()]);
  const connect = (settled = () => {}) => {
    key.hidden = !hasToken();
    stop();
    stop = listen({
      now: told,
      alert: (one) => { feed.told(one); alerts.told(one); },
      lost: () => { alerts.load(); feed.load(); slow(); },
      state: (name, says) => { state(name, says); settled(); },
    });
  };
  // first the line, then the lists: an alert that comes between the two would never be seen
  await new Promise((settled) => connect(settled));
  await Promise.allSettled([ask("now").then(told), slow(), alerts.load(), feed.load()]);
  setInterval(slow, SLOW_MS);
}

async function otherPage(draw) {
  const content = await ask("now");
  clock = content.trust.clock;
  heard = new Date();
  setZone(content.zone);
  setTitles(content.titles);
  stop = listen({ now: (one) => { clock = one.trust.clock; heard = new Date(); }, alert: () => {}, lost: () => {}, state });
  await draw();
  key.hidden = !hasToken();
}

async function begin() {
  key.hidden = !hasToken();
  const path = location.pathname;
  const view = path === "/policy" ? "policy" : path.startsWith("/customers/") ? "customer" : "now";
  document.body.dataset.view = view;
  document.querySelector(`.menu [data-view=${view}]`)?.setAttribute("aria-current", "page");
  try {
    if (view === "now") { document.title = "lapse"; await nowPage(); }
    if (view === "policy") { document.title = "Policy · lapse"; await otherPage(() => policyPage(main)); }
    if (view === "customer") {
      const id = decodeURIComponent(path.slice("/customers/".length));
      document.title = `${id} · lapse`;
      await otherPage(() => customerPage(main, id, () => clock));
    }
  } catch (error) {
    state("lost", "no answer");
    fill(main, h("p", { class: "note" }, `The desk gives no answer: ${error.message}. `, h("a", { href: location.href }, "Try again")));
  }
}

begin();
