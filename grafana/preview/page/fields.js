// Owns: a panel's field settings and transformations, applied to its frames by @grafana/data itself.

import {
  FieldConfigOptionsRegistry,
  applyFieldOverrides,
  cacheFieldDisplayNames,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
} from '@grafana/data';
import { lastValueFrom } from 'rxjs';

// What Grafana's panels register: without an entry here a setting of a board is not applied.
const STANDARD = [
  'unit', 'decimals', 'min', 'max', 'displayName', 'color', 'thresholds', 'mappings', 'noValue', 'links', 'fieldMinMax',
];
const CUSTOM = [
  'drawStyle', 'lineInterpolation', 'lineWidth', 'lineStyle', 'fillOpacity', 'gradientMode', 'fillBelowTo', 'showPoints',
  'pointSize', 'spanNulls', 'stacking', 'barAlignment', 'barWidthFactor', 'transform', 'thresholdsStyle', 'hideFrom',
  'axisPlacement', 'axisLabel', 'axisWidth', 'axisSoftMin', 'axisSoftMax', 'axisColorMode', 'axisGridShow',
  'axisBorderShow', 'axisCenteredZero', 'scaleDistribution', 'align', 'cellOptions', 'width', 'minWidth', 'filterable',
  'inspect', 'insertNulls',
];

function item(path, isCustom) {
  return {
    id: isCustom ? `custom.${path}` : path,
    path,
    name: path,
    isCustom,
    process: (value) => value,
    shouldApply: () => true,
  };
}

const registry = new FieldConfigOptionsRegistry(() => [
  ...STANDARD.map((path) => item(path, false)),
  ...CUSTOM.map((path) => item(path, true)),
]);

// some stand there twice, under an older name
const transformers = new Map(Object.values(standardTransformers).map((one) => [one.id, one]));
standardTransformersRegistry.setInit(() =>
  [...transformers].map(([id, one]) => ({ id, name: one.name, transformation: () => Promise.resolve(one) })),
);

/** The frames as the panel shows them. */
export async function prepared(panel, frames, theme, variables) {
  const replaceVariables = (text, scoped) => variables.replace(text, scoped);
  const context = { interpolate: replaceVariables };
  const changed = panel.transformations?.length
    ? await lastValueFrom(transformDataFrame(panel.transformations, frames, context))
    : frames;
  const applied = applyFieldOverrides({
    data: changed,
    fieldConfig: config(panel),
    fieldConfigRegistry: registry,
    replaceVariables,
    theme,
    timeZone: 'browser',
  });
  cacheFieldDisplayNames(applied); // tables take a column's name from there
  return applied;
}

/** A copy of the panel's field settings: applying them changes them. */
export function config(panel) {
  return structuredClone({ defaults: {}, overrides: [], ...panel.fieldConfig });
}
