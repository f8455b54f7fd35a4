// Dashboard JSON + Prometheus -> what each panel shows, computed by Grafana's own library.
//
// In: a classic dashboard, the address of a Prometheus, a width, choices of variables. Out: per panel the frames with
// units, mappings, thresholds, colours and names applied, and a reading: the texts and colours a person sees.
// What of Grafana is not in its libraries is written here: the Prometheus data source (windows, legends) and variables.

import {
  applyFieldOverrides,
  createTheme,
  DataFrame,
  FieldConfigOptionsRegistry,
  FieldDisplay,
  FieldType,
  formattedValueToString,
  getFieldDisplayName,
  getFieldDisplayValues,
  getFieldSeriesColor,
  Registry,
  standardTransformers,
  standardTransformersRegistry,
  toDataFrame,
  transformDataFrame,
} from '@grafana/data';
import {firstValueFrom} from 'rxjs';

export interface Choices {
  prometheus: string;
  width: number; // of the whole board, in pixels
  end: number; // Unix seconds
  range: number; // seconds
  scrape: number; // seconds; the data source's `timeInterval`
  variables: Record<string, string>;
}

export interface Shown {
  title: string;
  text: string;
  color?: string;
}

export interface Reading {
  id: number;
  title: string;
  type: string;
  row: string;
  shows: Shown[];
}

export const theme = createTheme({colors: {mode: 'dark'}});
export const errors: string[] = [];

const STEPS = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600];
const COLUMNS = 24;
const plain = ['unit', 'min', 'max', 'decimals', 'displayName', 'noValue', 'thresholds', 'mappings', 'color', 'links'];
const custom = [
  ...['drawStyle', 'lineInterpolation', 'lineWidth', 'lineStyle', 'fillOpacity', 'gradientMode', 'showPoints', 'pointSize'],
  ...['spanNulls', 'insertNulls', 'stacking', 'thresholdsStyle', 'axisPlacement', 'axisLabel', 'axisSoftMin', 'axisSoftMax'],
  ...['axisColorMode', 'axisBorderShow', 'axisCenteredZero', 'scaleDistribution', 'hideFrom', 'barAlignment'],
  ...['cellOptions', 'width', 'minWidth', 'align', 'hidden', 'filterable'],
];
const option = (id: string, isCustom: boolean): any => ({
  id: isCustom ? `custom.${id}` : id, path: id, isCustom, name: id, settings: {},
  process: (value: unknown) => value, override: (value: unknown) => value, shouldApply: () => true, editor: () => null,
});
const registry: FieldConfigOptionsRegistry = new Registry(() => [
  ...plain.map((id) => option(id, false)),
  ...custom.map((id) => option(id, true)),
]) as any;
const LINES = {
  drawStyle: 'line', lineInterpolation: 'linear', lineWidth: 1, fillOpacity: 0, gradientMode: 'none', showPoints: 'auto',
  pointSize: 5, spanNulls: false, insertNulls: false, barAlignment: 0, stacking: {mode: 'none', group: 'A'},
  axisPlacement: 'auto', axisLabel: '', axisColorMode: 'text', axisBorderShow: false, axisCenteredZero: false,
  scaleDistribution: {type: 'linear'}, thresholdsStyle: {mode: 'off'},
  hideFrom: {tooltip: false, viz: false, legend: false},
};

const transformers = new Map(Object.values(standardTransformers).map((one: any) => [one.id, one])); // some have two names
standardTransformersRegistry.setInit(() =>
  [...transformers.values()].map((one) => ({id: one.id, name: one.name, transformation: one, editor: () => null})) as any
);

/** Every panel with its row's title; those of a collapsed row stand below it, as if it were opened. */
export function panelsOf(board: any): Array<{panel: any; row: string; isFolded: boolean}> {
  const found: Array<{panel: any; row: string; isFolded: boolean}> = [];
  let row = '';
  for (const panel of board.panels) {
    if (panel.type !== 'row') {
      found.push({panel, row, isFolded: false});
      continue;
    }
    row = panel.title;
    for (const inner of panel.panels ?? []) {
      found.push({panel: inner, row, isFolded: true});
    }
  }
  return found;
}

/** Variables at what the board begins with: a constant's text, `.*` or its like for All; `choices` come first. */
export function variablesOf(board: any, choices: Choices): Record<string, string> {
  const found: Record<string, string> = {};
  for (const one of board.templating?.list ?? []) {
    const current = [one.current?.value ?? ''].flat();
    found[one.name] = one.type === 'constant' ? one.query : current[0] === '$__all' ? one.allValue || '.*' : current.join('|');
  }
  return {...found, ...choices.variables};
}

function filled(text: string, panel: any, step: number, variables: Record<string, string>, choices: Choices): string {
  const least = seconds(panel.interval) || choices.scrape;
  const special: Record<string, string> = {
    __rate_interval: `${Math.max(step + least, 4 * least)}s`,
    __interval: `${step}s`,
    __range: `${choices.range}s`,
    __range_s: `${choices.range}`,
  };
  return text.replace(/\$(?:\{(\w+)(?::\w+)?\}|(\w+))/g, (whole, one, other) => {
    const name = one ?? other;
    return special[name] ?? variables[name] ?? whole;
  });
}

function seconds(text?: string): number {
  const found = /^>?(\d+)(ms|s|m|h)$/.exec(text ?? '');
  return found ? +found[1] * {ms: 0.001, s: 1, m: 60, h: 3600}[found[2] as 's']! : 0;
}

function legendOf(format: string, labels: Record<string, string>, expr: string): string {
  if (!format || format === '__auto') {
    return Object.keys(labels).length ? '' : expr; // Grafana shows the whole expression for a series without labels
  }
  return format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, name) => labels[name] ?? '');
}

async function ask(path: string, parameters: Record<string, string>, choices: Choices): Promise<any[]> {
  const url = new URL(choices.prometheus + path);
  for (const [name, value] of Object.entries(parameters)) {
    url.searchParams.set(name, value);
  }
  const answer = await (await fetch(url)).json();
  if (answer.status !== 'success') {
    throw new Error(`${answer.error}: ${parameters.query}`);
  }
  return answer.data.result;
}

function number(text: string): number | null {
  return text === 'NaN' ? null : text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : +text;
}

async function framesOf(panel: any, target: any, variables: Record<string, string>, choices: Choices): Promise<any[]> {
  const width = (panel.gridPos.w * choices.width) / COLUMNS;
  const wanted = Math.max(choices.range / (panel.maxDataPoints ?? width), seconds(panel.interval) || choices.scrape);
  const step = STEPS.find((one) => one >= wanted) ?? 3600;
  const query = filled(target.expr, panel, step, variables, choices);
  if (target.instant) {
    const found = await ask('/api/v1/query', {query, time: `${choices.end}`}, choices);
    return target.format === 'table' ? [tableOf(target.refId, found)] : found.map((one) => frameOf(target, query, one.metric, [one.value], step));
  }
  const [from, to] = [choices.end - choices.range, choices.end].map((moment) => Math.floor(moment / step) * step);
  const found = await ask('/api/v1/query_range', {query, start: `${from}`, end: `${to}`, step: `${step}`}, choices);
  return found.map((one) => {
    const known = new Map<number, string>(one.values);
    const values: Array<[number, string]> = [];
    for (let moment = from; moment <= to; moment += step) {
      values.push([moment, known.get(moment) ?? 'NaN']);
    }
    return frameOf(target, query, one.metric, values, step);
  });
}

function frameOf(target: any, query: string, labels: Record<string, string>, values: Array<[number, string]>, step: number): any {
  const {__name__, ...own} = labels;
  const name = legendOf(target.legendFormat, labels, query);
  return {
    refId: target.refId,
    meta: {type: 'timeseries-multi'},
    fields: [
      {name: 'Time', type: FieldType.time, config: {interval: step * 1000}, values: values.map(([moment]) => moment * 1000)},
      {name: 'Value', type: FieldType.number, labels: own, config: name ? {displayNameFromDS: name} : {}, values: values.map(([, text]) => number(text))},
    ],
  };
}

function tableOf(refId: string, found: any[]): any {
  const names = [...new Set(found.flatMap((one) => Object.keys(one.metric)))].sort();
  return {
    refId,
    fields: [
      {name: 'Time', type: FieldType.time, values: found.map((one) => one.value[0] * 1000)},
      ...names.map((name) => ({name, type: FieldType.string, values: found.map((one) => one.metric[name] ?? '')})),
      {name: 'Value', type: FieldType.number, values: found.map((one) => number(one.value[1]))},
    ],
  };
}

/** Ask for everything a panel shows, and apply to it what the panel says about units, words, colours and names. */
export async function dataOf(panel: any, variables: Record<string, string>, choices: Choices): Promise<DataFrame[]> {
  const found = await Promise.all((panel.targets ?? []).map((target: any) => framesOf(panel, target, variables, choices)));
  let frames: DataFrame[] = found.flat().map((frame) => toDataFrame(frame));
  if (panel.transformations?.length) {
    frames = await firstValueFrom(transformDataFrame(panel.transformations, frames));
  }
  const {defaults, overrides} = panel.fieldConfig;
  const all = {...defaults, custom: {...(panel.type === 'timeseries' ? LINES : {}), ...defaults.custom}};
  return applyFieldOverrides({
    data: frames, fieldConfig: {defaults: all, overrides}, fieldConfigRegistry: registry, theme, timeZone: 'utc',
    replaceVariables: (text: string) => text,
  });
}

/** What a stat or bar gauge shows, one entry per series, or one for no data. */
export function valuesOf(panel: any, frames: DataFrame[]): FieldDisplay[] {
  return getFieldDisplayValues({
    fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, data: frames, theme, timeZone: 'utc',
    replaceVariables: (text: string, scope: any) =>
      text.replace(/\$\{__field\.labels\.(\w+)\}/g, (_, name) => scope?.__dataContext?.value.field.labels?.[name] ?? ''),
  });
}

/** The texts and colours of a panel: values of stats and bars, the last of each line, the rows of a table. */
export function readingOf(panel: any, frames: DataFrame[]): Shown[] {
  if (panel.type === 'stat' || panel.type === 'bargauge') {
    return valuesOf(panel, frames).map(({display}) => ({title: display.title ?? '', text: formattedValueToString(display), color: display.color}));
  }
  if (panel.type === 'table') {
    const [frame] = frames;
    return Array.from({length: frame?.length ?? 0}, (_, row) => {
      const cells = frame.fields.map((field) => ({field, shown: field.display!(field.values[row])}));
      const texts = cells.map(({field, shown}) => `${getFieldDisplayName(field, frame)}=${formattedValueToString(shown)}`);
      const colored = cells.find(({field}) => field.config.custom?.cellOptions?.type?.startsWith('color'));
      return {title: '', text: texts.join(', '), color: colored?.shown.color};
    });
  }
  return frames.flatMap((frame) =>
    frame.fields.filter((field) => field.type === FieldType.number).map((field) => {
      const last = field.values[field.values.length - 1];
      const shown = field.display!(last);
      const text = last === null ? 'no value' : formattedValueToString(shown);
      return {title: getFieldDisplayName(field, frame, frames), text, color: panel.type === 'state-timeline' ? shown.color : getFieldSeriesColor(field, theme).color};
    })
  );
}
