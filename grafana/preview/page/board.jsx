// Owns: a board on a page: its panels in their places, and the report of what was wrong with each.

import { useEffect, useState } from 'react';
import { PanelChrome, useTheme2 } from '@grafana/ui';

import { prepared } from './fields.js';
import { Inside } from './panels.jsx';
import { builtIn, frames, stepSeconds } from './prometheus.js';

const CELL = 30; // pixels, as in Grafana: the height of a grid unit and the gap between two
const GAP = 8;
const COLUMNS = 24;

/** One panel, asked for and drawn; `told` hears once how it went. */
function Panel({ panel, width, height, settings, variables, annotations, told }) {
  const theme = useTheme2();
  const [data, setData] = useState(null);
  useEffect(() => {
    ask(panel, width, settings, variables, theme).then((answer) => {
      setData(answer.data);
      told(answer.report);
    });
  }, []);
  const title = variables.replace(panel.title ?? '');
  return (
    <PanelChrome
      title={title}
      description={variables.replace(panel.description ?? '') || undefined}
      displayMode={panel.transparent ? 'transparent' : 'default'}
      {...{ width, height }}
    >
      {(width, height) =>
        data && (
          <div data-chart={panel.type === 'timeseries' && data.length > 0 ? title : undefined}>
            <Inside range={settings.timeRange} {...{ panel, data, width, height, annotations, variables }} />
          </div>
        )
      }
    </PanelChrome>
  );
}

async function ask(panel, width, settings, variables, theme) {
  const report = { id: panel.id, title: variables.replace(panel.title ?? ''), type: panel.type, noValue: null, empty: [], errors: [] };
  report.noValue = panel.fieldConfig?.defaults?.noValue ?? null;
  const targets = (panel.targets ?? []).filter((target) => !target.hide);
  const step = stepSeconds(settings.range, width, settings.scrapeSeconds);
  const found = [];
  for (const target of targets) {
    const query = variables.replace(target.expr, builtIn(settings.range, step, settings.scrapeSeconds));
    try {
      const some = await frames(settings.prometheus, target, query, settings.range, step, targets.length === 1);
      if (!some.some(hasNumber)) {
        report.empty.push({ refId: target.refId, query });
      }
      found.push(...some);
    } catch (error) {
      report.errors.push({ refId: target.refId, query, error: error.message });
    }
  }
  report.queries = targets.length;
  try {
    return { data: await prepared(panel, found, theme, variables), report };
  } catch (error) {
    report.errors.push({ refId: '', query: '', error: `${error}` });
    return { data: [], report };
  }
}

function hasNumber(frame) {
  return frame.fields.some((field) => field.type === 'number' && field.values.some((value) => value !== null));
}

/** The whole board, `width` pixels wide; `told` hears how each panel went. */
export function Board({ board, settings, variables, annotations, told }) {
  const theme = useTheme2();
  const unit = (settings.width - 2 * GAP - (COLUMNS - 1) * GAP) / COLUMNS;
  const size = (cells, of) => cells * of + (cells - 1) * GAP;
  const rows = Math.max(...board.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  return (
    <div style={{ background: theme.colors.background.canvas, width: settings.width, paddingBottom: GAP }}>
      <Header {...{ board, variables, settings }} />
      <div style={{ position: 'relative', margin: GAP, height: size(rows, CELL) }}>
        {board.panels.map((panel) => {
          const { x, y, w, h } = panel.gridPos;
          const [width, height] = [size(w, unit), size(h, CELL)];
          const style = { position: 'absolute', left: x * (unit + GAP), top: y * (CELL + GAP), width, height };
          return (
            <div key={panel.id} style={style}>
              {panel.type === 'row' ? (
                <div className="board-row">{variables.replace(panel.title)}</div>
              ) : (
                <Panel {...{ panel, width, height, settings, variables, annotations, told }} />
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Header({ board, variables, settings }) {
  const theme = useTheme2();
  const chip = { background: theme.colors.background.secondary, borderColor: theme.colors.border.weak };
  const clock = (date) => date.toTimeString().slice(0, 8);
  const { from, to } = settings.timeRange;
  return (
    <div className="board-header" style={{ color: theme.colors.text.primary }}>
      <b>{board.title}</b>
      {[...variables.labels].map(([label, value]) => (
        <span className="chip" style={chip} key={label}>
          <i style={{ color: theme.colors.text.link }}>{label}</i> {value}
        </span>
      ))}
      <span className="gap" />
      {(board.links ?? []).map((link) => (
        <span className="link" style={{ color: theme.colors.text.secondary }} key={link.title}>
          {link.title}
        </span>
      ))}
      <span className="chip" style={chip}>
        {clock(from.toDate())} – {clock(to.toDate())}
      </span>
    </div>
  );
}
