// Aggregates: whether to trust them, what is open, this month's bridge, the segments. No customer's data.

import {
  SEVERITIES, day, fill, fullTime, h, money, number, percent, segmentName, shape, signName, signed,
} from "./dom.js";
import { ask } from "./desk.js";

// ---------------------------------------------------------------- can this be trusted?

const MARKS = { good: "✓", doubtful: "!", bad: "✕" };

export function trustStrip() {
  const mark = h("span", { class: "mark", "aria-hidden": "true" }, "…");
  const says = h("strong", {}, "Asking the desk");
  const why = h("span", { class: "why" });
  const facts = h("dl", { class: "facts" }, ["Partitions", "Events up to", "Delay", "Suspended"].map((name) => fact(name, "–")));
  const element = h("section", { class: "trust", "aria-label": "Can this be trusted?", "data-state": "waiting" },
    mark, h("p", {}, says, why), facts);
  const update = ({ trust }) => {
    element.dataset.state = trust.state;
    mark.textContent = MARKS[trust.state];
    says.textContent = trust.says;
    why.textContent = trust.why.length ? ` — ${trust.why.join("; ")}` : "";
    const total = trust.partitions_total;
    fill(facts,
      fact("Partitions", total === null ? number(trust.partitions_reporting) : `${trust.partitions_reporting} of ${total}`),
      fact("Events up to", trust.clock ? fullTime(trust.clock) : "–"),
      fact("Delay", delay(trust.delay_s)),
      fact("Suspended", trust.partitions_suspended.length ? trust.partitions_suspended.join(", ") : "none"));
  };
  return { element, update };
}

const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

function delay(seconds) {
  if (seconds === null) return "–";
  if (seconds < 60) return "under a minute";
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 259200) return `${Math.round(seconds / 3600)} h`;
  return "reading history";
}

// ---------------------------------------------------------------- now

export function nowPanel(onSeverity) {
  const count = h("span", { class: "big" }, "–");
  const countWords = h("span", { class: "big-says" }, "alerts open");
  const worth = h("dd", {}, "–");
  const loss = h("dd", {}, "–");
  const today = h("dd", {}, "–");
  const tiles = Object.fromEntries(SEVERITIES.map((name) => {
    const n = h("span", { class: "n" }, "–");
    const value = h("span", { class: "v" }, "\u00a0");
    const bar = h("span", { class: "bar", "aria-hidden": "true" }, h("i"));
    const button = h("button", {
      type: "button", class: `tile is-${name}`, "aria-pressed": "false", onclick: () => onSeverity(name),
    }, h("span", { class: "k" }, shape(name), name), n, value, bar);
    return [name, { button, n, value, bar: bar.firstChild }];
  }));
  const signs = h("ul", { class: "signs" });
  const element = h("section", { class: "card now", "aria-labelledby": "now-title" },
    h("h2", { id: "now-title" }, "Now"),
    h("div", { class: "now-line" },
      h("p", { class: "headline" }, count, countWords),
      h("dl", { class: "facts" },
        h("div", {}, h("dt", {}, "Value at risk"), worth),
        h("div", {}, h("dt", { title: "chance × value, summed" }, "Expected loss"), loss),
        h("div", {}, h("dt", {}, "Today"), today))),
    h("div", { class: "tiles", role: "group", "aria-label": "Open alerts by severity; press to filter" },
      SEVERITIES.map((name) => tiles[name].button)),
    signs);
  const update = (now) => {
    count.textContent = number(now.open.count);
    countWords.textContent = now.open.count === 1 ? "alert open" : "alerts open";
    worth.textContent = money(now.open.value, now.currency, true);
    loss.textContent = money(now.open.expected_loss, now.currency, true);
    const ended = Object.values(now.ended_today).reduce((a, b) => a + b, 0);
    today.textContent = `${number(now.opened_today)} opened, ${number(ended)} ended`;
    const most = Math.max(1, ...SEVERITIES.map((name) => now.severity[name].count));
    for (const name of SEVERITIES) {
      const tally = now.severity[name];
      tiles[name].n.textContent = number(tally.count);
      tiles[name].value.textContent = money(tally.value, now.currency, true);
      tiles[name].bar.style.setProperty("--part", tally.count / most);
    }
    const named = Object.entries(now.sign).sort((a, b) => b[1].count - a[1].count);
    fill(signs, named.length > 1 && named.map(([name, tally]) => h("li", {}, `${signName(name)} `, h("b", {}, number(tally.count)))));
  };
  const press = (chosen) => {
    for (const name of SEVERITIES) tiles[name].button.setAttribute("aria-pressed", String(chosen.has(name)));
  };
  return { element, update, press };
}

// ---------------------------------------------------------------- a period: from its start to its end

const KINDS = { week: "week", month: "month", quarter: "quarter", year: "year" };

export function monthPanel() {
  let segment = "all";
  let kind = "month";
  const title = h("h2", { id: "month-title" }, "This month");
  const state = h("p", { class: "state" }, " ");
  const body = h("div", { class: "month-body" });
  const segments = h("select", { "aria-label": "Segment", onchange: (e) => { segment = e.target.value; load(); } },
    h("option", { value: "all" }, "Everybody"));
  const kinds = h("select", { "aria-label": "Period", onchange: (e) => { kind = e.target.value; load(); } },
    Object.keys(KINDS).map((name) => h("option", { value: name, selected: name === "month" }, `By ${name}`)));
  const element = h("section", { class: "card month", "aria-labelledby": "month-title" },
    h("div", { class: "card-head" }, title, h("div", { class: "choose" }, segments, kinds)), state, body);
  const load = async () => {
    try { draw(await ask("period", { kind, segment })); } catch (error) { state.textContent = error.message; }
  };
  const draw = (period) => {
    const { record } = period;
    element.dataset.open = String(Boolean(record?.provisional));
    if (!record) {
      fill(title, `This ${kind}`);
      fill(state, "No figures yet: the first come when the first day has ended.");
      fill(body);
      return;
    }
    fill(title, periodName(kind, record.start));
    fill(state, record.provisional
      ? h("span", { class: "pill open" }, `Open: day ${Math.min(period.days_done + 1, period.days)} of ${period.days}, figures still move`)
      : h("span", { class: "pill" }, record.final ? "Final" : "Closed, may still be revised"),
      record.warmup && h("span", { class: "pill" }, "Warm-up: no rates yet"));
    fill(body, rates(period), bridge(record), historyBars(period), moreFigures(record));
  };
  return { element, load, names: (all) => fill(segments, all.map((s) => h("option", { value: s, selected: s === segment }, segmentName(s)))) };
}

function periodName(kind, start) {
  if (kind === "week") return `Week of ${day(start, { day: "numeric", month: "long", year: "numeric" })}`;
  if (kind === "year") return start.slice(0, 4);
  if (kind === "quarter") return `Quarter ${Math.ceil(Number(start.slice(5, 7)) / 3)}, ${start.slice(0, 4)}`;
  return day(start, { month: "long", year: "numeric" });
}

function usual(period, name) {
  const known = period.history.map((r) => r[name]).filter((v) => v !== null).sort((a, b) => a - b);
  return known.length ? known[Math.floor(known.length / 2)] : null;
}

function rates(period) {
  const { record, targets } = period;
  const rate = (name, label, means, target, targetWord) => {
    const mine = usual(period, name);
    const often = record.provisional ? `usual ${period.period}` : "usually";
    const beside = target !== null && target !== undefined ? `${targetWord} ${percent(target)}` : mine === null ? "\u00a0" : `${often} ${percent(mine)}`;
    return h("div", { class: "rate" }, h("dt", { title: means }, label), h("dd", {}, percent(record[name])),
      h("dd", { class: "beside" }, beside), h("dd", { class: "means" }, means));
  };
  return h("dl", { class: "rates" },
    rate("crr_strict", "Stayed", "of those there at the start, who still are", null),
    rate("crr", "CRR", "(end − acquired) ÷ start", targets.crr, "target"),
    rate("churn", "Churn", "lost ÷ start", targets.acceptable_churn, "acceptable"));
}

// A waterfall lying down: the track shows only the part in which something happens, so both ends are torn.
function bridge(record) {
  const c = record.counts;
  const steps = [
    ["At the start", c.start, null],
    ["Lost", -c.lost, "lost"],
    ["Came back", c.reactivated, "won"],
    ["New", c.acquired, "won"],
    ["New, left again", -c.acquired_lost, "lost"],
    [record.provisional ? "By now" : "At the end", c.end, null],
  ];
  let at = c.start;
  const spans = steps.map(([, n, what], i) => {
    if (what === null) { at = i ? c.end : c.start; return [null, at]; }
    const from = at;
    at += n;
    return [Math.min(from, at), Math.max(from, at)];
  });
  const ends = spans.flat().filter((v) => v !== null);
  const low = Math.min(...ends);
  const high = Math.max(...ends);
  const floor = Math.max(0, low - (high - low || 1) * 0.35);
  const place = (v) => (v - floor) / (high - floor || 1);
  return h("table", { class: "bridge" },
    h("caption", { class: "hidden" }, "From the customers at the start to those at the end"),
    h("tbody", {}, steps.map(([name, n, what], i) => {
      const [from, to] = spans[i];
      const left = from === null ? 0 : place(from);
      const bar = n !== 0 && h("i", { class: what ?? "whole", vars: { "--from": left, "--to": place(to) } });
      return h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "track", "aria-hidden": "true" }, bar),
        h("td", { class: `n ${n === 0 ? "" : what ?? ""}` }, what === null ? number(n) : signed(n)));
    })));
}

// What else the record says, where there is something to say.
const MORE = [
  ["revenue", "order_revenue", "Revenue", "money"],
  ["revenue", "average_order", "Average order", "money"], ["revenue", "repeat_revenue_share", "Revenue from known customers", "share"],
  ["revenue", "clv_revenue", "Lifetime value (revenue)", "money"], ["revenue", "clv_lost", "Lifetime value lost", "money"],
  ["costs", "cac", "Cost to acquire one", "money"], ["costs", "cost_to_keep", "Cost to keep one", "money"], ["costs", "cost_to_serve", "Cost to serve one", "money"],
  ["activity", "stickiness", "Stickiness (DAU ÷ MAU)", "share"], ["activity", "repeat_rate", "Bought again", "share"],
  ["service", "tickets_opened", "Tickets opened", "number"], ["service", "complaints", "Complaints", "number"], ["service", "response_rate", "Surveys answered", "share"],
  ["experience", "slow_share", "Slow page loads", "share"], ["programme", "redeemed_share", "Points redeemed", "share"],
];

function moreFigures(record) {
  const says = { money: (v) => money(v, record.currency), share: (v) => percent(v), number };
  const known = MORE.map(([section, name, label, kind]) => [label, record[section]?.[name], says[kind]]).filter(([, value]) => value);
  if (!known.length) return null;
  return h("details", { class: "more-figures" }, h("summary", {}, "Revenue, cost and service"),
    h("dl", {}, known.map(([label, value, word]) => h("div", {}, h("dt", {}, label), h("dd", {}, word(value))))));
}

function historyBars(period) {
  const all = [...period.history, period.record].filter((r) => !r.warmup);
  if (all.length < 2) return null;
  const known = all.map((r) => r.churn ?? 0);
  const limit = period.targets.acceptable_churn;
  const most = Math.max(...known, limit ?? 0, 1e-9);
  const words = all.map((r) => `${periodName(period.period, r.start)} ${percent(r.churn)}`).join(", ");
  return h("figure", { class: "bars" },
    h("figcaption", {}, `Churn, ${period.period} by ${period.period}`),
    h("div", { class: "plot", role: "img", "aria-label": `Churn: ${words}` },
      limit !== null && limit !== undefined && h("span", { class: "limit", vars: { "--part": limit / most }, title: `acceptable: ${percent(limit)}` }),
      all.map((r) => h("span", { class: r.provisional ? "col open" : "col", title: `${periodName(period.period, r.start)}: ${percent(r.churn)}${r.provisional ? " so far" : ""}` },
        h("b", {}, percent(r.churn)), h("i", { vars: { "--part": (r.churn ?? 0) / most } }),
        h("small", {}, tick(period.period, r.start))))));
}

function tick(kind, start) {
  if (kind === "year") return start.slice(0, 4);
  if (kind === "quarter") return `Q${Math.ceil(Number(start.slice(5, 7)) / 3)}`;
  return kind === "month" ? day(start, { month: "short" }) : day(start, { day: "numeric", month: "numeric" });
}

// ---------------------------------------------------------------- segments

const COLUMNS = [
  ["segment", "Segment", (s) => (s.segment === "other" ? "\uffff" : s.segment)],
  ["customers", "Customers", (s) => s.customers ?? -1],
  ["open", "Open alerts", (s) => s.open.count],
  ["value", "At risk", (s) => s.open.value],
  ["churn", "Churn", (s) => s.churn ?? -1],
];

export function segmentsPanel(onSegment) {
  let by = "value";
  let down = true;
  let last = null;
  const table = h("table", { class: "segments" });
  const element = h("section", { class: "card", "aria-labelledby": "segments-title" },
    h("div", { class: "card-head" }, h("h2", { id: "segments-title" }, "Segments"), h("p", { class: "soft" }, "this month; the mark is its usual churn")), table);
  const load = async () => { last = await ask("segments"); draw(); return last; };
  const sort = (name) => { down = by === name ? !down : name !== "segment"; by = name; draw(); table.querySelector(`[data-by=${name}]`)?.focus(); };
  const draw = () => {
    const key = COLUMNS.find(([name]) => name === by)[2];
    const [whole, ...rest] = last.segments;
    rest.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) * (down ? -1 : 1));
    const mostOpen = Math.max(1, ...rest.map((s) => s.open.count / Math.max(s.customers ?? 1, 1)));
    const mostChurn = Math.max(1e-9, ...last.segments.flatMap((s) => [s.churn ?? 0, s.usual_churn ?? 0]));
    fill(table, h("thead", {}, h("tr", {}, COLUMNS.map(([name, label]) =>
      h("th", { scope: "col", class: name, "aria-sort": by === name ? (down ? "descending" : "ascending") : "none" },
        h("button", { type: "button", "data-by": name, onclick: () => sort(name) }, label))))),
    h("tbody", {}, [whole, ...rest].map((s) => row(s, mostOpen, mostChurn))));
  };
  const row = (s, mostOpen, mostChurn) => h("tr", { class: s.segment === "all" ? "whole" : undefined },
    h("th", { scope: "row" }, s.segment === "all" ? "Everybody"
      : h("button", { type: "button", class: "linkish", onclick: () => onSegment(s.segment) }, segmentName(s.segment))),
    h("td", {}, number(s.customers)),
    h("td", {}, number(s.open.count), h("small", {}, s.customers ? ` ${percent(s.open.count / s.customers, 0)}` : "")),
    h("td", { class: "value" }, money(s.open.value, last.currency, true)),
    h("td", { class: "churn" }, h("span", { class: "meter", "aria-hidden": "true" },
      s.churn !== null && h("i", { class: over(s) ? "over" : undefined, vars: { "--part": s.churn / mostChurn } }),
      s.usual_churn !== null && h("u", { vars: { "--part": s.usual_churn / mostChurn } })), h("span", { class: "p", title: `usually ${percent(s.usual_churn)}` }, percent(s.churn))));
  return { element, load };
}

function over(s) {
  const limit = s.targets.acceptable_churn;
  return limit !== null && limit !== undefined && s.churn > limit;
}
