// Owns: what `$name` means on a board, and which names mean nothing. Knows Grafana's rules for them, not its pages.

import { labelValues } from './prometheus.js';

// Filled in by Grafana when a person clicks or a panel repeats; there is nothing to expand before.
const LATER = /^__(field|data|value|series|cell|url_time_range|all_variables|dashboard|org|user)/;
const NAME = /\$(\w+)|\$\{(\w+)(?:\.[^:}]*)?(?::([^}]+))?\}|\[\[(\w+)\]\]/g;

/** The variables of a board, with a value for each, and those that were asked for in vain. */
export class Variables {
  constructor(chosen) {
    this.values = new Map();
    this.labels = new Map();
    this.unresolved = new Set();
    this.chosen = chosen;
  }

  /** Give every variable of the board its value: the one chosen, the board's own, or the first that Prometheus knows. */
  async resolve(board, prometheus, range) {
    for (const one of board.templating?.list ?? []) {
      const options = await this.options(one, prometheus, range);
      const first = options[0] && one.includeAll ? '$__all' : options[0];
      const wanted = this.chosen[one.name] ?? one.current?.value ?? first;
      const value = Array.isArray(wanted) ? wanted[0] : wanted;
      const known = value === '$__all' ? options.length > 0 : options.includes(value);
      this.values.set(one.name, value === '$__all' ? (one.allValue ? [one.allValue] : options) : [known ? value : first]);
      if (one.hide !== 2 && one.type !== 'datasource') {
        this.labels.set(one.label ?? one.name, value === '$__all' ? 'All' : this.values.get(one.name)[0]);
      }
      if (options.length === 0) {
        this.unresolved.add(one.name);
        this.values.delete(one.name);
      }
    }
  }

  async options(one, prometheus, range) {
    if (one.type === 'datasource') {
      return ['prometheus'];
    }
    if (one.type === 'query') {
      const text = this.replace(typeof one.query === 'string' ? one.query : one.query.query);
      const [, metric, label] = text.match(/^label_values\(\s*(.+?)\s*,\s*(\w+)\s*\)$/) ?? [];
      const found = metric ? await labelValues(prometheus, metric, label, range) : [];
      const regex = one.regex ? new RegExp(one.regex.replace(/^\/|\/$/g, '')) : /./;
      return found.filter((value) => regex.test(value)).sort();
    }
    return String(one.query).split(',').map((word) => word.split(' : ').at(-1).trim());
  }

  /** The text with every variable replaced; what has no value stays, and is remembered. */
  replace(text, scoped = {}) {
    return text.replace(NAME, (all, a, b, format, c) => {
      const name = a ?? b ?? c;
      const values = name in scoped ? [scoped[name].value ?? scoped[name]] : this.values.get(name);
      if (values === undefined) {
        if (!LATER.test(name)) {
          this.unresolved.add(name);
        }
        return all;
      }
      if (format === 'queryparam') {
        return values.map((value) => `var-${name}=${encodeURIComponent(value)}`).join('&');
      }
      return values.length === 1 ? String(values[0]) : `(${values.map(escaped).join('|')})`;
    });
  }
}

function escaped(value) {
  return String(value).replace(/[\\^$*+?.()|{}[\]]/g, '\\\\$&');
}
