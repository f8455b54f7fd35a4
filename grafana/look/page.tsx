// Draws a dashboard with Grafana's own components into the page, and gives its readings: `window.look(board, choices)`.
//
// State timelines are the one panel here that Grafana keeps out of its libraries; they are drawn as rows of blocks.

import {DataFrame, dateTime, FieldType, getDisplayValueAlignmentFactors, getFieldDisplayName, ThemeContext, TimeRange, VizOrientation} from '@grafana/data';
import {BarGauge, BigValue, BigValueTextMode, PanelChrome, Table, TimeSeries, VizRepeater} from '@grafana/ui';
import '@fontsource/inter/latin-400.css';
import '@fontsource/inter/latin-500.css';
import React from 'react';
import {createRoot} from 'react-dom/client';
import {Choices, dataOf, errors, panelsOf, Reading, readingOf, theme, valuesOf, variablesOf} from './board';

const CELL = 30; // height of a line of the grid, in pixels, and the gap below it, as in Grafana
const GAP = 8;
const TOP = 48;

interface Area {
  panel: any;
  frames: DataFrame[];
  width: number;
  height: number;
  range: TimeRange;
}

class Guard extends React.Component<{title: string; children: React.ReactNode}, {fault?: Error}> {
  state: {fault?: Error} = {};
  static getDerivedStateFromError(fault: Error) {
    errors.push(`${fault.message}`);
    return {fault};
  }
  render() {
    return this.state.fault ? <pre style={{color: 'red'}}>{String(this.state.fault.stack).slice(0, 400)}</pre> : this.props.children;
  }
}

const middle = (height: number) => ({display: 'flex', height, alignItems: 'center', justifyContent: 'center'});

function Stat({panel, frames, width, height}: Area) {
  const {options, fieldConfig} = panel;
  const isNamed = options.textMode === BigValueTextMode.Auto && fieldConfig.defaults.displayName;
  return (
    <VizRepeater
      getAlignmentFactors={(values) => getDisplayValueAlignmentFactors(values)}
      getValues={() => valuesOf(panel, frames)}
      renderValue={({value, width, height, count, alignmentFactors}: any) => (
        <BigValue value={value.display} count={count} colorMode={options.colorMode} graphMode={options.graphMode}
          justifyMode={options.justifyMode} textMode={isNamed ? BigValueTextMode.ValueAndName : options.textMode} text={options.text}
          alignmentFactors={count > 1 ? alignmentFactors : undefined} disableWideLayout={options.wideLayout === false}
          width={width} height={height} theme={theme} />
      )}
      width={width} height={height} source={frames} itemSpacing={3} renderCounter={1} autoGrid
      orientation={options.orientation ?? VizOrientation.Auto} />
  );
}

function Bars({panel, frames, width, height}: Area) {
  const {options, fieldConfig} = panel;
  const named = (display: any, count: number) => (count === 1 && !fieldConfig.defaults.displayName ? {...display, title: undefined} : display);
  return (
    <VizRepeater
      getAlignmentFactors={(values) => getDisplayValueAlignmentFactors(values)}
      getValues={() => valuesOf(panel, frames)}
      renderValue={({value, width, height, count, alignmentFactors, orientation}: any) => (
        <BarGauge value={named(value.display, count)} width={width} height={height} orientation={orientation} field={value.field}
          display={value.view?.getFieldDisplayProcessor(value.colIndex)} theme={theme} itemSpacing={8} lcdCellWidth={12}
          displayMode={options.displayMode} alignmentFactors={count > 1 ? alignmentFactors : undefined} text={options.text}
          showUnfilled={options.showUnfilled} valueDisplayMode={options.valueMode} namePlacement={options.namePlacement} />
      )}
      width={width} height={height} source={frames} itemSpacing={8} renderCounter={1} orientation={options.orientation}
      minVizHeight={options.minVizHeight} minVizWidth={options.minVizWidth} maxVizHeight={options.maxVizHeight} />
  );
}

function Timeline({frames, width, height, range}: Area) {
  const fields = frames.flatMap((frame) => frame.fields.filter((field) => field.type === FieldType.number).map((field) => ({frame, field})));
  const line = Math.min(60, height / Math.max(fields.length, 1));
  const [from, to] = [range.from.valueOf(), range.to.valueOf()];
  const label = 110;
  return (
    <div style={{position: 'relative', height, fontSize: 12}}>
      {fields.map(({frame, field}, row) => (
        <div key={row} style={{position: 'absolute', top: row * line, left: 0, width, height: line}}>
          <span style={{position: 'absolute', top: line / 2 - 9}}>{getFieldDisplayName(field, frame, frames)}</span>
          {field.values.map((value: number | null, index: number) => {
            const [begin, end] = [frame.fields[0].values[index], frame.fields[0].values[index + 1] ?? to];
            const [left, right] = [begin, end].map((at) => label + ((width - label) * (at - from)) / (to - from));
            const color = value === null ? 'transparent' : field.display!(value).color;
            return <div key={index} style={{position: 'absolute', left, width: right - left + 0.5, top: line * 0.1, height: line * 0.8, background: color}} />;
          })}
        </div>
      ))}
    </div>
  );
}

function Shape(area: Area) {
  const {panel, frames, width, height, range} = area;
  switch (panel.type) {
    case 'stat':
      return <Stat {...area} />;
    case 'bargauge':
      return <Bars {...area} />;
    case 'state-timeline':
      return frames.length ? <Timeline {...area} /> : <div style={middle(height)}>{panel.fieldConfig.defaults.noValue}</div>;
    case 'table':
      return frames[0]?.length ? (
        <Table data={frames[0]} width={width} height={height} cellHeight={panel.options.cellHeight} initialSortBy={panel.options.sortBy} timeRange={range} />
      ) : (
        <div style={middle(height)}>{panel.fieldConfig.defaults.noValue}</div>
      );
    case 'timeseries':
      return frames.length ? (
        <TimeSeries frames={frames} structureRev={1} timeRange={range} timeZone="utc" width={width} height={height} legend={panel.options.legend}
          options={panel.options}>
          {() => <></>}
        </TimeSeries>
      ) : (
        <div style={middle(height)}>{panel.fieldConfig.defaults.noValue}</div>
      );
    default:
      return <div style={middle(height)}>{panel.type} cannot be drawn here</div>;
  }
}

function placed(board: any): {rows: any[]; tops: Map<number, number>; lines: number} {
  const tops = new Map<number, number>();
  const rows: any[] = [];
  let shift = 0; // what the rows that are opened here add to the places below them
  let lines = 0;
  for (const panel of board.panels) {
    const inner = panel.panels ?? [];
    for (const one of [panel, ...inner]) {
      tops.set(one.id, one.gridPos.y + shift);
      lines = Math.max(lines, one.gridPos.y + shift + one.gridPos.h);
    }
    if (panel.type === 'row') {
      rows.push({...panel, top: panel.gridPos.y + shift});
      shift += inner.length ? Math.max(...inner.map((one: any) => one.gridPos.y + one.gridPos.h)) - panel.gridPos.y - 1 : 0;
    }
  }
  return {rows, tops, lines};
}

async function look(board: any, choices: Choices): Promise<{readings: Reading[]; errors: string[]}> {
  await Promise.all(['500 40px Inter', '400 14px Inter'].map((font) => document.fonts.load(font)));
  const variables = variablesOf(board, choices);
  const range = {from: dateTime((choices.end - choices.range) * 1000), to: dateTime(choices.end * 1000), raw: {from: 'now-30m', to: 'now'}};
  const column = (choices.width - 2 * GAP) / 24;
  const {rows, tops, lines} = placed(board);
  const readings: Reading[] = [];
  const items = rows.map((row) => (
    <div key={row.id} style={{position: 'absolute', left: GAP, top: row.top * (CELL + GAP) + TOP, lineHeight: '30px', fontWeight: 500}}>
      {row.collapsed ? '› ' : '⌄ '} {row.title}
    </div>
  ));
  for (const {panel, row} of panelsOf(board)) {
    const {x, w, h} = panel.gridPos;
    const [width, height] = [w * column - GAP, h * (CELL + GAP) - GAP];
    let frames: DataFrame[] = [];
    try {
      frames = await dataOf(panel, variables, choices);
      readings.push({id: panel.id, title: panel.title, type: panel.type, row, shows: readingOf(panel, frames)});
    } catch (error) {
      errors.push(`${panel.title}: ${error}`);
    }
    items.push(
      <div key={panel.id} data-panel={panel.id} style={{position: 'absolute', left: x * column + GAP, top: tops.get(panel.id)! * (CELL + GAP) + TOP, width, height}}>
        <PanelChrome title={panel.title} description={panel.description} width={width} height={height}>
          {(inside, high) => (
            <Guard title={panel.title}>
              <Shape panel={panel} frames={frames} width={inside} height={high} range={range} />
            </Guard>
          )}
        </PanelChrome>
      </div>
    );
  }
  document.body.style.height = `${lines * (CELL + GAP) + TOP}px`;
  createRoot(document.getElementById('root')!).render(
    <ThemeContext.Provider value={theme}>
      <div style={{position: 'absolute', left: GAP, top: 12, fontSize: 16}}>{board.title}</div>
      {items}
    </ThemeContext.Provider>
  );
  await new Promise((done) => setTimeout(done, 1500)); // lines are drawn by and by
  return {readings, errors};
}

/** Titles whose text is wider than the place it has. */
function cut(): string[] {
  const titles = [...document.querySelectorAll('[data-panel] h2, [data-panel] h6')] as HTMLElement[];
  return titles.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent ?? '');
}

Object.assign(window, {look, cut});
