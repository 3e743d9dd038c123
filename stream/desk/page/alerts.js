// Alerts: the list of what is open, what happens as it happens, and one alert's story. Customer data: with the token.

import {
  SEVERITIES, ago, customerPath, fill, fullTime, h, money, number, percent, segmentName, severityMark, signName, time,
} from "./dom.js";
import { Refused, ask, hasToken, myName, say, setName, setToken } from "./desk.js";

const PAGE = matchMedia("(max-width: 1080px)").matches ? 15 : 50; // one column: the month is below
const FEED = 40;
const ENDED = { returned: "came back", recovered: "recovered", retracted: "taken back", churned: "left", erased: "erased", muted: "muted" };

// ---------------------------------------------------------------- without a token

export function gate(says, onToken) {
  const input = h("input", { type: "password", id: "token", autocomplete: "off", required: true, "aria-describedby": "gate-says" });
  return h("form", { class: "gate", onsubmit: (e) => { e.preventDefault(); setToken(input.value); onToken(); } },
    h("p", { id: "gate-says" }, says ?? "Who is leaving, and why, is about single customers: it is shown with the desk's token only. It stays in this tab and is forgotten with it."),
    h("div", { class: "gate-line" }, h("label", { for: "token", class: "hidden" }, "Token"), input, h("button", { class: "main" }, "Show alerts")));
}

// ---------------------------------------------------------------- the list

export function alertsPanel({ clock, onFilter, onToken }) {
  const chosen = { severity: new Set(), sign: "", segment: "", order: "severity" };
  let next = null;
  let shown = new Map();
  let fresh = 0;
  let run = 0;
  const total = h("p", { class: "soft", role: "status" }, " ");
  const list = h("ul", { class: "alerts", "aria-label": "Open alerts" });
  const more = h("button", { type: "button", class: "plain more", hidden: true, onclick: () => load(next) }, "Show more");
  const pill = h("button", { type: "button", class: "new-pill", onclick: () => load() }, "");
  const pick = (label, name, options) => h("select", { "aria-label": label, onchange: (e) => { chosen[name] = e.target.value; load(); } },
    options.map(([value, says]) => h("option", { value }, says)));
  const sign = pick("Sign", "sign", [["", "Every sign"]]);
  const segment = pick("Segment", "segment", [["", "Every segment"]]);
  const order = pick("Order", "order", [["severity", "Gravest first"], ["newest", "Newest first"], ["value", "Most valuable first"], ["chance", "Likeliest first"], ["oldest", "Oldest first"]]);
  const chips = SEVERITIES.map((name) => h("button", { type: "button", class: `chip is-${name}`, "aria-pressed": "false", onclick: () => toggle(name) }, severityMark(name)));
  const tools = h("div", { class: "tools" }, h("div", { class: "chips", role: "group", "aria-label": "Severity" }, chips), sign, segment, order);
  const body = h("div", { class: "alerts-body" });
  const element = h("section", { class: "card", id: "alerts", "aria-labelledby": "alerts-title" },
    h("div", { class: "card-head" }, h("h2", { id: "alerts-title" }, "Open alerts"), total, pill), body);

  const toggle = (name) => {
    if (!chosen.severity.delete(name)) chosen.severity.add(name);
    SEVERITIES.forEach((one, i) => chips[i].setAttribute("aria-pressed", String(chosen.severity.has(one))));
    onFilter(chosen.severity);
    load();
  };
  const note = () => { pill.textContent = fresh ? `${number(fresh)} new: show` : ""; pill.classList.toggle("on", fresh > 0); };

  const load = async (after) => {
    if (!hasToken()) { closed(); return; }
    const mine = ++run;
    try {
      const page = await ask("alerts", { severity: [...chosen.severity].join(","), sign: chosen.sign, segment: chosen.segment, order: chosen.order, limit: PAGE, after: after ?? "" });
      if (mine !== run) return;
      if (body.firstChild !== tools) fill(body, tools, list, more);
      if (!after) { shown = new Map(); fresh = 0; note(); list.replaceChildren(); }
      for (const one of page.alerts) if (!shown.has(one.alert_id)) { const row = alertRow(one, clock); shown.set(one.alert_id, row); list.append(row.element); }
      next = page.next;
      more.hidden = next === null;
      total.textContent = `${number(page.total)}${filtered() ? " match" : ""}${shown.size < page.total ? `, ${number(shown.size)} shown` : ""}`;
      if (!page.total) list.append(h("li", { class: "none" }, filtered() ? "None matches." : "None is open: nobody shows a sign of leaving."));
    } catch (error) {
      if (mine !== run) return;
      if (error instanceof Refused && error.status < 404) { if (error.status === 401) setToken(""); closed(`${capital(error.message)}.`); }
      else total.textContent = error.message;
    }
  };
  const filtered = () => chosen.severity.size > 0 || chosen.sign !== "" || chosen.segment !== "";
  const closed = (says) => { total.textContent = ""; fill(body, gate(says, () => { load(); onToken(); })); };

  const told = (one) => {
    const row = shown.get(one.alert_id);
    if (row) { row.update(one); return; }
    const fits = (!chosen.severity.size || chosen.severity.has(one.severity)) && (!chosen.sign || chosen.sign === one.sign) && (!chosen.segment || chosen.segment === one.segment);
    if (one.status === "resolved" || !fits || body.firstChild !== tools) return;
    if (!shown.size) { load(); return; }
    const still = !list.matches(":hover, :focus-within") && list.getBoundingClientRect().top > 0;
    if (chosen.order === "newest" && still && fresh === 0) {
      list.querySelector(".none")?.remove();
      const made = alertRow(one, clock);
      made.element.classList.add("fresh");
      shown.set(one.alert_id, made);
      list.prepend(made.element);
      while (list.childElementCount > PAGE * 2 && next !== null) { shown.delete(list.lastElementChild.dataset.id); list.lastElementChild.remove(); }
    } else { fresh += 1; note(); }
  };
  const names = (signs, segments) => {
    const set = (select, first, all, words) => fill(select, h("option", { value: "" }, first), all.map((one) => h("option", { value: one, selected: select.value === one }, words(one))));
    const now = [sign.value, segment.value];
    set(sign, "Every sign", signs, signName);
    set(segment, "Every segment", segments, segmentName);
    [sign.value, segment.value] = now;
  };
  const choose = (name) => { chosen.segment = name; segment.value = name; load(); element.scrollIntoView({ block: "start" }); };
  return { element, load, told, toggle, names, choose };
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// ---------------------------------------------------------------- one alert

export function alertRow(first, clock, { open = false } = {}) {
  let one = first;
  const why = h("button", { type: "button", class: "plain why-button", "aria-expanded": "false", onclick: () => flip() }, "Why");
  const head = h("div", { class: "row" });
  const panel = h("div", { class: "panel", hidden: true });
  const element = h("li", { class: "alert" }, head, panel);
  const draw = () => {
    element.className = `alert is-${one.severity}${one.status === "resolved" ? " ended" : ""}`;
    element.dataset.id = one.alert_id;
    const value = one.value_at_risk;
    fill(head,
      severityMark(one.severity),
      h("div", { class: "who" },
        h("p", {}, h("a", { class: "customer", href: customerPath(one.customer_id), dir: "auto" }, one.customer_id), h("b", {}, one.title),
          h("span", { class: "soft" }, segmentName(one.segment)), h("time", { class: "when", datetime: one.opened_at, title: fullTime(one.opened_at) }, ago(one.opened_at, clock())), badges(one)),
        h("p", { class: "says" }, one.says.map(capital).join(". "))),
      h("p", { class: "chance", title: `chance that nothing comes in the next ${one.horizon_days} days` }, h("b", {}, percent(one.p_none, 0)), h("small", {}, `in ${one.horizon_days} days`)),
      h("p", { class: "value" }, h("b", {}, money(value.amount, value.currency)), h("small", {}, "at risk")),
      why);
  };
  const flip = async () => {
    const opening = panel.hidden;
    panel.hidden = !opening;
    why.setAttribute("aria-expanded", String(opening));
    if (!opening) return;
    fill(panel, h("p", { class: "soft" }, "Asking the desk…"));
    try { drawStory(panel, await ask(`alerts/${encodeURIComponent(one.alert_id)}`), clock); } catch (error) { fill(panel, h("p", {}, capital(error.message))); }
  };
  draw();
  if (open) flip();
  return { element, update: (changed) => { one = changed; draw(); } };
}

function badges(one) {
  return [
    one.status === "resolved" && h("span", { class: "badge ended" }, ENDED[one.resolution] ?? one.resolution),
    one.holdout && h("span", { class: "badge", title: "held out, to measure what contacting does" }, "leave alone"),
    !one.consent_marketing && h("span", { class: "badge", title: "has not agreed to marketing" }, "no marketing"),
    one.acked && h("span", { class: "badge acked" }, `✓ ${one.acked.by}`),
  ];
}

function drawStory(panel, story, clock) {
  fill(panel,
    h("div", { class: "story" },
      h("div", {}, h("h3", {}, "Why it opened"), h("ul", { class: "because" }, story.because.map((says) => h("li", {}, says))),
        h("details", {}, h("summary", {}, "What the policy says"), h("ul", { class: "policy-lines" }, story.policy.map((says) => h("li", {}, says))))),
      h("div", {}, h("h3", {}, "Its numbers"), evidence(story), h("h3", {}, "Its life"), steps(story.life))),
    story.alert.status !== "resolved" && actions(story.alert, clock),
    h("p", { class: "id" }, `alert ${story.alert.alert_id}`));
}

function evidence(story) {
  return h("table", { class: "evidence" },
    h("thead", {}, h("tr", {}, ["", "Seen", "Expected", "Fires at", ""].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, story.evidence.map((e) => h("tr", {}, h("th", { scope: "row" }, signName(e.sign)), [e.observed, e.expected, e.threshold].map((n) => h("td", {}, number(n))), h("td", { class: "soft" }, e.unit)))));
}

export function steps(life) {
  return h("ol", { class: "life" }, life.map((step) => h("li", { class: `step ${step.what}` },
    h("time", { datetime: step.at, title: fullTime(step.at) }, time(step.at)), h("span", {}, step.says))));
}

function actions(one, clock) {
  const by = h("input", { name: "by", value: myName(), placeholder: "Your name", required: true, maxlength: "100", "aria-label": "Your name", autocomplete: "name" });
  const ahead = (days) => new Date(new Date(clock() ?? Date.now()).getTime() + days * 86400000).toISOString().slice(0, 10);
  const until = h("input", { name: "until", type: "date", "aria-label": "Muted until", min: ahead(2), max: ahead(365), value: ahead(28) });
  const said = h("p", { class: "said", role: "status" });
  const send = async (what, body) => {
    if (!by.reportValidity()) return;
    setName(by.value);
    try {
      await say(`alerts/${encodeURIComponent(one.alert_id)}/${what}`, { by: by.value.trim(), ...body });
      said.textContent = what === "ack" ? "Noted: it is yours." : "Muted: it ends in a moment.";
    } catch (error) { said.textContent = capital(error.message); }
  };
  const mute = () => { until.required = true; if (until.reportValidity()) send("mute", { until: until.value }); until.required = false; };
  return h("form", { class: "act", onsubmit: (e) => { e.preventDefault(); send("ack", {}); } },
    by, h("button", { class: "main" }, "I take it on"),
    h("span", { class: "or" }, "or"), until, h("button", { type: "button", class: "plain", onclick: mute }, "Mute until then"), said);
}

// ---------------------------------------------------------------- as it happens

export function feedPanel() {
  const list = h("ol", { class: "feed", tabindex: "0", "aria-label": "As it happens, newest first" });
  const element = h("section", { class: "card feed-card", "aria-labelledby": "feed-title" },
    h("div", { class: "card-head" }, h("h2", { id: "feed-title" }, "As it happens")), list);
  let waiting = [];
  const change = (one) => `${one.alert_id} ${one.status} ${one.changed_at}`;
  const line = (one) => {
    const ended = one.status === "resolved";
    const value = one.value_at_risk;
    return h("li", { class: `is-${one.severity}${ended ? " ended" : ""}`, "data-alert": one.alert_id, "data-change": change(one) },
      h("time", { datetime: one.changed_at, title: fullTime(one.changed_at) }, time(one.changed_at)),
      h("p", {}, ended ? h("span", { class: "severity ended" }, "○ ", ENDED[one.resolution] ?? one.resolution) : severityMark(one.severity), " ",
        h("a", { class: "customer", href: customerPath(one.customer_id), dir: "auto" }, one.customer_id), " ",
        ended ? h("span", { class: "soft" }, one.title.toLowerCase()) : h("span", { class: "says" }, one.says.join("; ")),
        !ended && h("span", { class: "soft nowrap" }, ` ${percent(one.p_none, 0)} · ${money(value.amount, value.currency)}`)));
  };
  const flush = () => {
    const made = waiting.splice(0).slice(-FEED).reverse().map(line);
    list.querySelector(".none")?.remove();
    list.prepend(...made);
    while (list.childElementCount > FEED) list.lastElementChild.remove();
  };
  const told = (one) => {
    // that somebody took it on is told with the alert as it was, which is here already
    if (one.acked && [...list.children].some((row) => row.dataset.change === change(one))) return;
    if (waiting.push(one) === 1) requestAnimationFrame(flush);
  };
  const load = async () => {
    if (!hasToken()) { fill(list, h("li", { class: "none" }, "With the token, alerts appear here as they open and end.")); return; }
    try {
      const recent = await ask("recent");
      waiting = [];
      fill(list, recent.length ? recent.slice(0, FEED).map(line) : h("li", { class: "none" }, "Nothing has happened yet."));
    } catch { fill(list, h("li", { class: "none" }, "With the token, alerts appear here as they open and end.")); }
  };
  return { element, told, load };
}
