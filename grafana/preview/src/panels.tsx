// A panel of each type: Grafana's own where its packages have it, else a plain stand-in that says so.
import * as data from '@grafana/data';
import { BarGauge, BigValue, BigValueGraphMode, Table, TimeSeries } from '@grafana/ui';
import React from 'react';
import { fieldConfig, theme } from './grafana';
import { BarChart, NodeGraph, PieChart, StateTimeline } from './standins';

export interface Drawn { panel: any; frames: data.DataFrame[]; width: number; height: number; range: data.TimeRange }

const TYPES: Record<string, (drawn: Drawn) => React.ReactNode> = {
  bargauge: Bars, gauge: Bars, stat: Stat, table: Rows, timeseries: Lines, text: Text,
  barchart: BarChart, nodeGraph: NodeGraph, piechart: PieChart, 'state-timeline': StateTimeline, 'status-history': StateTimeline,
};
export const KNOWN = Object.keys(TYPES);

export function Panel(drawn: Drawn): React.ReactNode {
  const { panel, frames } = drawn;
  const Type = TYPES[panel.type];
  if (!Type) return <p>This preview does not know panels of type {panel.type}.</p>;
  if (panel.type !== 'text' && !frames.some((frame) => frame.length)) return <NoValue panel={panel} />;
  return <Type {...drawn} />;
}

function NoValue({ panel }: { panel: any }) {
  const style: React.CSSProperties = {
    display: 'flex', height: '100%', alignItems: 'center', justifyContent: 'center', textAlign: 'center',
    color: theme.colors.text.secondary, padding: 8,
  };
  return <div className="no-value" style={style}>{panel.fieldConfig.defaults.noValue ?? 'No data'}</div>;
}

function Lines({ panel, frames, width, height, range }: Drawn) {
  const legend = panel.options.legend;
  return <TimeSeries {...({ frames, width, height, timeRange: range, timeZone: 'utc', legend, structureRev: 1 } as any)} />;
}

function Rows({ panel, frames, width, height }: Drawn) {
  const initialSortBy = panel.options.sortBy;
  return <Table {...({ data: frames[0], width, height, initialSortBy, cellHeight: panel.options.cellHeight } as any)} />;
}

function values({ panel, frames }: Drawn, sparkline: boolean): data.FieldDisplay[] {
  return data.getFieldDisplayValues({
    fieldConfig: fieldConfig(panel), reduceOptions: panel.options.reduceOptions, replaceVariables: (text) => text,
    theme, data: frames, sparkline, timeZone: 'utc',
  });
}

function Stat(drawn: Drawn) {
  const { panel, width, height } = drawn;
  const shown = values(drawn, panel.options.graphMode === 'area');
  const side = width / height > shown.length / 2 || panel.options.orientation === 'vertical';
  const [w, h] = side ? [width / shown.length, height] : [width, height / shown.length];
  return <div style={{ display: 'flex', flexDirection: side ? 'row' : 'column' }}>{shown.map((value, index) => (
    <BigValue key={index} {...({ width: w, height: h, theme, value: value.display, sparkline: value.sparkline,
      colorMode: panel.options.colorMode, textMode: panel.options.textMode,
      graphMode: value.sparkline ? panel.options.graphMode : BigValueGraphMode.None, disableWideLayout: !panel.options.wideLayout } as any)} />
  ))}</div>;
}

function Bars(drawn: Drawn) {
  const { panel, width, height } = drawn;
  const shown = values(drawn, false);
  const horizontal = panel.type === 'gauge' || panel.options.orientation !== 'vertical';
  const [w, h] = horizontal ? [width, Math.min(60, height / shown.length)] : [width / shown.length, height];
  return <div style={{ display: 'flex', flexDirection: horizontal ? 'column' : 'row' }}>{shown.map((value, index) => (
    <BarGauge key={index} {...({ width: w, height: h, theme, value: value.display, field: value.field, itemSpacing: 4,
      orientation: horizontal ? 'horizontal' : 'vertical', displayMode: panel.options.displayMode ?? 'basic',
      text: panel.options.text, alignmentFactors: data.getDisplayValueAlignmentFactors(shown), valueDisplayMode: panel.options.valueMode } as any)} />
  ))}</div>;
}

function Text({ panel }: Drawn) {
  const html = data.renderMarkdown(panel.options.content);
  return <div className="markdown" style={{ padding: 8 }} dangerouslySetInnerHTML={{ __html: html }} />;
}
