// Owns: which of Grafana's components draws which kind of panel, with the same settings as Grafana's own panels.

import { getDisplayValueAlignmentFactors, getFieldDisplayValues, renderTextPanelMarkdown } from '@grafana/data';
import { BarGauge, BigValue, TimeSeries, VizRepeater, useTheme2 } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';

import { AnnotationLines } from './annotations.jsx';
import { config } from './fields.js';

/** The inside of a panel; `data` are its prepared frames. */
export function Inside({ panel, data, width, height, range, annotations, variables }) {
  const Kind = { stat: Stat, timeseries: Lines, bargauge: Bars, table: Rows, text: Words }[panel.type];
  if (Kind === undefined) {
    throw new Error(`the preview draws no panel of type ${panel.type}`);
  }
  if (data.length === 0 && panel.type !== 'text' && panel.type !== 'stat') {
    return <Nothing says={panel.fieldConfig?.defaults?.noValue ?? 'No data'} height={height} />;
  }
  return (
    <Kind {...{ panel, data, width, height, range, annotations, variables }} options={panel.options ?? {}} />
  );
}

function Nothing({ says, height }) {
  const theme = useTheme2();
  return (
    <div className="board-nothing" style={{ height, color: theme.colors.text.secondary }}>
      {says}
    </div>
  );
}

function useDisplayValues(panel, data, options, variables, sparkline) {
  return getFieldDisplayValues({
    fieldConfig: config(panel),
    reduceOptions: options.reduceOptions,
    replaceVariables: (text, scoped) => variables.replace(text, scoped),
    theme: useTheme2(),
    data,
    sparkline,
    timeZone: 'browser',
  });
}

function Stat({ panel, data, width, height, options, variables }) {
  const theme = useTheme2();
  const values = useDisplayValues(panel, data, options, variables, options.graphMode !== 'none');
  return (
    <VizRepeater
      getValues={() => values}
      renderValue={({ value, width, height, count }) => (
        <BigValue
          value={value.display}
          sparkline={value.sparkline}
          count={count}
          colorMode={options.colorMode}
          graphMode={options.graphMode}
          justifyMode={options.justifyMode}
          textMode={options.textMode}
          text={options.text}
          disableWideLayout={!options.wideLayout}
          {...{ theme, width, height }}
        />
      )}
      itemSpacing={3}
      autoGrid
      orientation={options.orientation}
      source={data}
      renderCounter={0}
      {...{ width, height }}
    />
  );
}

function Bars({ panel, data, width, height, options, variables }) {
  const theme = useTheme2();
  const values = useDisplayValues(panel, data, options, variables, false);
  return (
    <VizRepeater
      getValues={() => values}
      renderValue={({ value, alignmentFactors, orientation, width, height, count }) => (
        <BarGauge
          value={value.display}
          field={value.field}
          display={value.view?.getFieldDisplayProcessor(value.colIndex)}
          text={options.text}
          displayMode={options.displayMode}
          showUnfilled={options.showUnfilled}
          valueDisplayMode={options.valueMode}
          namePlacement={options.namePlacement}
          itemSpacing={8}
          lcdCellWidth={12}
          isOverflow={false}
          {...{ theme, alignmentFactors, orientation, width, height, count }}
        />
      )}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      itemSpacing={8}
      minVizHeight={options.minVizHeight ?? 16}
      minVizWidth={options.minVizWidth ?? 8}
      maxVizHeight={options.maxVizHeight ?? 300}
      orientation={options.orientation}
      source={data}
      renderCounter={0}
      {...{ width, height }}
    />
  );
}

function Lines({ panel, data, width, height, range, annotations, options }) {
  return (
    <TimeSeries
      frames={data}
      structureRev={1}
      timeZone="browser"
      timeRange={range}
      legend={{ ...options.legend, showLegend: options.legend?.showLegend ?? true }}
      options={options}
      {...{ width, height }}
    >
      {(builder) => <AnnotationLines builder={builder} annotations={annotations} key={panel.id} />}
    </TimeSeries>
  );
}

function Rows({ panel, data, width, height, range, options }) {
  return (
    <TableNG
      data={data[0]}
      timeRange={range}
      noHeader={options.showHeader === false}
      sortBy={options.sortBy}
      cellHeight={options.cellHeight}
      structureRev={1}
      enableVirtualization={false}
      fieldConfig={config(panel)}
      {...{ width, height }}
    />
  );
}

function Words({ height, options, variables }) {
  const html = renderTextPanelMarkdown(variables.replace(options.content));
  return <div className="markdown-html board-words" style={{ height }} dangerouslySetInnerHTML={{ __html: html }} />;
}
