// Owns: questions to Prometheus and the data frames that Grafana's Prometheus source makes of the answers.

import { FieldType, toDataFrame } from '@grafana/data';

async function ask(prometheus, path, params) {
  const answer = await fetch(`${prometheus}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(params) });
  const body = await answer.json();
  if (body.status !== 'success') {
    throw new Error(body.error ?? `${answer.status} ${answer.statusText}`);
  }
  return body.data;
}

/** The values of a label of the series that match, within the range. */
export async function labelValues(prometheus, metric, label, range) {
  const series = await ask(prometheus, 'series', { 'match[]': metric, start: range.from / 1000, end: range.to / 1000 });
  return [...new Set(series.map((one) => one[label]).filter((value) => value !== undefined))];
}

/** The step that Grafana would take: no finer than a pixel, nor than the scrape interval. */
export function stepSeconds(range, width, scrapeSeconds) {
  return Math.max(scrapeSeconds, Math.ceil((range.to - range.from) / 1000 / Math.max(width, 100)));
}

/** What the built-in variables mean at this step. */
export function builtIn(range, step, scrapeSeconds) {
  const seconds = Math.round((range.to - range.from) / 1000);
  return {
    __interval: `${step}s`,
    __interval_ms: step * 1000,
    __rate_interval: `${Math.max(step + scrapeSeconds, 4 * scrapeSeconds)}s`,
    __range: `${seconds}s`,
    __range_s: seconds,
    __from: range.from,
    __to: range.to,
  };
}

/** The series of one expression over the range, as Prometheus gives them. */
export async function series(prometheus, query, range, step) {
  const data = await ask(prometheus, 'query_range', { query, start: align(range.from, step), end: align(range.to, step), step });
  return data.result;
}

/** The answer to one target of a panel as data frames. */
export async function frames(prometheus, target, query, range, step, alone) {
  if (target.instant) {
    const { result, resultType } = await ask(prometheus, 'query', { query, time: range.to / 1000 });
    const rows = resultType === 'scalar' ? [{ metric: {}, value: result }] : result;
    const found = rows.map((one) => ({ metric: one.metric, values: [one.value] }));
    return target.format === 'table' ? table(target, found, alone) : found.map((one) => line(target, one, step));
  }
  const found = await series(prometheus, query, range, step);
  return found.map((one) => line(target, one, step));
}

function align(ms, step) {
  return Math.floor(ms / 1000 / step) * step;
}

function line(target, { metric, values: found }, step) {
  const values = withGaps(found, step);
  const name = legend(target.legendFormat ?? '', metric);
  return toDataFrame({
    refId: target.refId,
    name,
    fields: [
      { name: 'Time', type: FieldType.time, values: values.map(([at]) => at * 1000), config: { interval: step * 1000 } },
      {
        name: 'Value',
        type: FieldType.number,
        values: values.map(([, value]) => number(value)),
        labels: labelsOf(metric),
        config: { displayNameFromDS: name },
      },
    ],
  });
}

function table(target, rows, alone) {
  if (rows.length === 0) {
    return [];
  }
  const names = [...new Set(rows.flatMap((row) => Object.keys(labelsOf(row.metric))))].sort();
  const column = (name) => ({ name, type: FieldType.string, values: rows.map((row) => row.metric[name] ?? '') });
  return [
    toDataFrame({
      refId: target.refId,
      fields: [
        { name: 'Time', type: FieldType.time, values: rows.map((row) => row.values[0][0] * 1000) },
        ...names.map(column),
        { name: alone ? 'Value' : `Value #${target.refId}`, type: FieldType.number, values: rows.map((row) => number(row.values[0][1])) },
      ],
    }),
  ];
}

/** With a null where Prometheus has no value, so that no line is drawn over it. */
function withGaps(values, step) {
  return values.flatMap(([at, value], place) => {
    const next = values[place + 1]?.[0] ?? at;
    return next - at > step * 1.5 ? [[at, value], [at + step, null]] : [[at, value]];
  });
}

/** Nothing where Prometheus has no number: a chart with a NaN in it is drawn by nobody, Grafana leaves them out as well. */
function number(text) {
  const value = text === null ? NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

function labelsOf(metric) {
  return Object.fromEntries(Object.entries(metric).filter(([name]) => name !== '__name__'));
}

function legend(format, metric) {
  const text = format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => metric[name] ?? '');
  return text || JSON.stringify(labelsOf(metric));
}
