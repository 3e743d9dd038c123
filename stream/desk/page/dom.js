// Elements and words. Text only ever becomes a text node, so nothing that a customer sends can become markup.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "vars") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else element.setAttribute(name, value === true ? "" : value);
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

// ---------------------------------------------------------------- words

const whole = new Intl.NumberFormat("en");
const NONE = "–";
let zone = "UTC";

export const setZone = (name) => { zone = name; };
export const number = (n) => (n === null || n === undefined ? NONE : whole.format(n));
export const signed = (n) => (n > 0 ? `+${whole.format(n)}` : n < 0 ? `−${whole.format(-n)}` : "0");

export function percent(share, digits = 1) {
  if (share === null || share === undefined) return NONE;
  return `${(share * 100).toFixed(digits).replace("-", "−")} %`;
}

export function money(amount, currency, compact = false) {
  if (amount === null || amount === undefined) return NONE;
  const style = { style: "currency", currency, currencyDisplay: "narrowSymbol" };
  if (compact && Math.abs(amount) >= 100000) Object.assign(style, { notation: "compact", maximumFractionDigits: 1 });
  else style.maximumFractionDigits = Math.abs(amount) >= 100 || amount === 0 ? 0 : 2;
  try { return new Intl.NumberFormat("en", style).format(amount); } catch { return `${whole.format(Math.round(amount))} ${currency}`; }
}

export function time(text, style = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }) {
  return text ? new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...style }).format(new Date(text)) : NONE;
}

export const fullTime = (text) => time(text, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });

export function day(text, style = { day: "numeric", month: "short", year: "numeric" }) {
  return text ? new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...style }).format(new Date(`${text}T00:00:00Z`)) : NONE;
}

// How long before `clock` (event time), in one unit.
export function ago(text, clock) {
  const seconds = (new Date(clock ?? Date.now()) - new Date(text)) / 1000;
  if (seconds < 60) return "just now";
  for (const [size, name] of [[172800, "day"], [3600, "h"], [60, "min"]]) {
    if (seconds >= size) {
      const n = Math.floor(seconds / (name === "day" ? 86400 : size));
      return `${whole.format(n)} ${name === "day" ? "days" : name} ago`;
    }
  }
  return "just now";
}

export const plain = (name) => { const s = name.replaceAll("_", " "); return s.charAt(0).toUpperCase() + s.slice(1); };
let titles = {};
export const setTitles = (all) => { titles = all; };
export const signName = (name) => titles[name] ?? plain(name);
export const segmentName = (name) => (name === "all" ? "Everybody" : name === "other" ? "Other" : name);

// ---------------------------------------------------------------- severity, by shape as well as colour

const SHAPES = {
  critical: "M8 .8 15.2 8 8 15.2.8 8Z",
  high: "M8 1.5 15.4 14.6H.6Z",
  medium: "M2 2h12v12H2Z",
  low: "M8 2.6a5.4 5.4 0 1 0 0 10.8A5.4 5.4 0 0 0 8 2.6Zm0 2.2a3.2 3.2 0 1 1 0 6.4 3.2 3.2 0 0 1 0-6.4Z",
};
export const SEVERITIES = ["critical", "high", "medium", "low"];

export function shape(severity) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "shape");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[severity] ?? SHAPES.low);
  svg.append(path);
  return svg;
}

export const severityMark = (name) => h("span", { class: `severity is-${name}` }, shape(name), h("span", {}, name));
export const customerPath = (id) => `/customers/${encodeURIComponent(id)}`;
