// Owns: the page. It is given its settings before it loads (window.preview) and leaves its findings in window.report.

import { createTheme, dateTime } from '@grafana/data';
import { GlobalStyles, ThemeContext } from '@grafana/ui';
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';

import 'uplot/dist/uPlot.min.css';
import './page.css';

import { annotationsOf } from './annotations.jsx';
import { Board } from './board.jsx';
import { cutOff, settled } from './looking.js';
import { Variables } from './variables.js';

/** Grafana's styles, and its font loaded: its components measure their texts by canvas, and keep what they measured. */
async function dress(theme) {
  const styles = createRoot(document.createElement('div'));
  flushSync(() => styles.render(<ThemeContext.Provider value={theme}><GlobalStyles /></ThemeContext.Provider>));
  const faces = await Promise.all(['400', '500'].map((weight) => document.fonts.load(`${weight} 14px Inter`)));
  if (faces.some((found) => found.length === 0)) {
    throw new Error("Grafana's styles name no font Inter any more");
  }
}

async function main({ board, prometheus, from, to, width, scrapeSeconds, variables: chosen, theme: mode }) {
  const range = { from, to };
  const timeRange = { from: dateTime(from), to: dateTime(to), raw: { from: dateTime(from), to: dateTime(to) } };
  const settings = { prometheus, range, timeRange, width, scrapeSeconds };
  const theme = createTheme({ colors: { mode } });
  const problems = [];
  const variables = new Variables(chosen);
  await dress(theme);
  await variables.resolve(board, prometheus, range);
  const annotations = await annotationsOf(board, prometheus, range, scrapeSeconds, variables, (name, query, error) =>
    problems.push({ annotation: name, query, error }),
  );
  const panels = [];
  const expected = board.panels.filter((panel) => panel.type !== 'row').length;
  checkLinks(board, variables);
  await new Promise((done) => {
    const told = (report) => panels.push(report) === expected && done();
    const onUncaughtError = (error) => (window.report = { failed: `${error.stack ?? error}` });
    createRoot(document.getElementById('root'), { onUncaughtError }).render(
      <ThemeContext.Provider value={theme}>
        <Board {...{ board, settings, variables, annotations, told }} />
      </ThemeContext.Provider>,
    );
  });
  const undrawn = await settled();
  window.report ??= {
    undrawn,
    cut: cutOff(),
    panels,
    annotations: problems,
    unresolved: [...variables.unresolved],
    marks: annotations.length,
  };
}

/** Links are expanded when they are clicked; a wrong name in one is told now. */
function checkLinks(board, variables) {
  for (const link of [...(board.links ?? []), ...board.panels.flatMap((panel) => panel.links ?? [])]) {
    variables.replace(link.url ?? '');
  }
}

main(window.preview).catch((error) => {
  window.report = { failed: `${error.stack ?? error}` };
});
