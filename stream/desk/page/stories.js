// One customer's story, and the policy.

import { day, fill, fullTime, h, number, plain, time } from "./dom.js";
import { Refused, ask, hasToken, setToken } from "./desk.js";
import { alertRow, gate, steps } from "./alerts.js";

const WITH_YEAR = { day: "numeric", month: "short", year: "numeric" };

export async function customerPage(main, id, clock) {
  const body = h("div", { class: "customer-body" }, h("p", { class: "soft" }, "Asking the desk…"));
  fill(main, h("header", { class: "page-head" }, h("p", { class: "soft" }, "Customer"), h("h1", { dir: "auto" }, id)), body);
  const load = async () => {
    if (!hasToken()) { fill(body, h("section", { class: "card" }, gate(null, load))); return; }
    try {
      drawCustomer(body, await ask(`customers/${encodeURIComponent(id)}`), clock);
    } catch (error) {
      if (error instanceof Refused && error.status === 401) setToken("");
      const says = `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`;
      fill(body, h("section", { class: "card" }, error.status === 401 ? gate(says, load) : h("p", {}, says)));
    }
  };
  await load();
  return load;
}

function drawCustomer(body, story, clock) {
  const open = story.alerts.filter((one) => one.status !== "resolved");
  const card = (title, ...content) => h("section", { class: "card" }, h("h2", {}, title), content);
  fill(body,
    story.missing.map((says) => h("p", { class: "note" }, `Not shown: ${says}.`)),
    card(open.length ? "Signs of leaving" : "No sign of leaving",
      open.length ? h("ul", { class: "alerts" }, open.map((one) => alertRow(one, clock, { open: open.length === 1 }).element))
        : h("p", { class: "soft" }, "No alert is open for this customer.")),
    h("div", { class: "two" },
      card("What is known", story.row ? h("dl", { class: "known" }, story.row.map((fact) => h("div", {}, h("dt", {}, plain(fact.name)), h("dd", {}, fact.says)))) : h("p", { class: "soft" }, "Nothing could be read.")),
      card("Alerts so far", story.life.length ? steps(story.life) : h("p", { class: "soft" }, "None.")),
      card("Last events", events(story.events))));
}

function events(all) {
  if (!all?.length) return h("p", { class: "soft" }, all ? "None among the latest of this partition." : "They could not be read.");
  return h("ol", { class: "life" }, all.map((one) => h("li", { class: "step event" }, h("time", { datetime: one.time, title: fullTime(one.time) }, time(one.time, WITH_YEAR)), h("span", {}, one.says))));
}

// ---------------------------------------------------------------- the policy

const GROUPS = { "": "The business", severity: "How grave", value: "Value at risk", consent_default: "Consent, where nothing is known", rates: "Exchange rates", segment_active_days: "Segments' own days" };

export async function policyPage(main) {
  const policy = await ask("policy");
  const groups = new Map();
  for (const one of policy.settings) {
    const at = one.name.lastIndexOf(".");
    const group = at < 0 ? "" : one.name.slice(0, at);
    groups.set(group, [...(groups.get(group) ?? []), { ...one, short: one.name.slice(at + 1) }]);
  }
  fill(main,
    h("header", { class: "page-head" }, h("p", { class: "soft" }, "Policy"), h("h1", {}, policy.name),
      h("p", { class: "soft" }, `version ${policy.hash}; business days of ${policy.zone}; money in ${policy.currency}. Every threshold that decides when an alert opens and who counts as a customer.`)),
    policy.warnings.map((says) => h("p", { class: "note" }, says)),
    policy.versions.length > 1 && versions(policy.versions),
    h("div", { class: "policy" }, [...groups].map(([name, all]) => h("section", { class: "card" }, h("h2", {}, title(name)),
      h("table", { class: "settings" },
        h("thead", { class: "hidden" }, h("tr", {}, ["Setting", "Value", "Meaning"].map((one) => h("th", { scope: "col" }, one)))),
        h("tbody", {}, all.map((one) => h("tr", {},
          h("th", { scope: "row" }, h("code", {}, one.short)),
          h("td", { class: "v" }, value(one.value), changed(one) && h("small", {}, `default ${value(one.default)}`)),
          h("td", { class: "m" }, one.means)))))))));
}

function versions(all) {
  return h("section", { class: "card" }, h("h2", {}, "Versions"), h("ol", { class: "life" }, all.map((one) => h("li", { class: "step" },
    one.since ? h("time", { datetime: one.since }, `from ${day(one.since)}`) : h("span", { class: "soft" }, "from the start"),
    h("span", {}, `${one.name}, ${one.hash}`, one.in_force && h("strong", {}, " · in force"))))));
}

const changed = (one) => JSON.stringify(one.value) !== JSON.stringify(one.default);

function title(name) {
  if (name in GROUPS) return GROUPS[name];
  const words = name.replace(/^signs\./, "").replaceAll("_", " ").replaceAll(".", ": ");
  return `${name.startsWith("signs.") ? "Sign: " : ""}${words}`;
}

function value(content) {
  if (content === null || content === undefined) return "not set";
  if (Array.isArray(content)) return content.length ? content.join(", ") : "none";
  if (content === true) return "yes";
  if (content === false) return "no";
  if (typeof content === "number") return number(content);
  return /^\d{4}-\d\d-\d\d$/.test(content) ? day(content) : content;
}
