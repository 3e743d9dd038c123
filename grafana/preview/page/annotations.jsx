// Owns: annotations: when something happened, drawn over every time series as Grafana does (its own drawing is no part
// of the library).

import { useLayoutEffect, useState } from 'react';
import { useTheme2 } from '@grafana/ui';

import { builtIn, series, stepSeconds } from './prometheus.js';

const WIDTH = 800;

/** All regions and moments of a board's annotations, within the range. */
export async function annotationsOf(board, prometheus, range, scrapeSeconds, variables, problem) {
  const found = [];
  for (const one of board.annotations?.list ?? []) {
    if (!one.enable || !one.expr) {
      continue;
    }
    const step = stepSeconds(range, WIDTH, scrapeSeconds);
    const query = variables.replace(one.expr, builtIn(range, step, scrapeSeconds));
    try {
      for (const { values } of await series(prometheus, query, range, step)) {
        found.push(...regions(values, step).map((region) => ({ ...region, color: one.iconColor, name: one.name })));
      }
    } catch (error) {
      problem(one.name, query, error.message);
    }
  }
  return found;
}

function regions(values, step) {
  const found = [];
  for (const [at, value] of values.filter(([, value]) => Number(value) > 0)) {
    const last = found.at(-1);
    if (last && at - last.to <= step * 1.5) {
      last.to = at;
    } else {
      found.push({ from: at, to: at });
    }
  }
  return found.map(({ from, to }) => ({ from: from * 1000, to: to * 1000 }));
}

/** Draws them on the plot that `builder` builds. */
export function AnnotationLines({ builder, annotations }) {
  const theme = useTheme2();
  const [hooked, setHooked] = useState(null);
  useLayoutEffect(() => {
    if (hooked === builder) {
      return;
    }
    setHooked(builder);
    builder.addHook('draw', (plot) => draw(plot, annotations, theme));
  }, [builder, hooked, annotations, theme]);
  return null;
}

function draw(plot, annotations, theme) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const { from, to, color } of annotations) {
    const left = Math.round(plot.valToPos(from, 'x', true));
    const right = Math.round(plot.valToPos(to, 'x', true));
    ctx.strokeStyle = ctx.fillStyle = theme.visualization.getColorByName(color);
    ctx.setLineDash([5, 5]);
    ctx.beginPath();
    for (const x of new Set([left, right])) {
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
    }
    ctx.stroke();
    ctx.globalAlpha = 0.12;
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    ctx.globalAlpha = 1;
  }
  ctx.restore();
}
