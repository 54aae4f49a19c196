// Panels that Grafana keeps in its server application: drawn plainly, and labelled as stand-ins.
import * as data from '@grafana/data';
import React from 'react';
import { theme } from './grafana';
import type { Drawn } from './panels';

const MUTED = theme.colors.text.secondary;

function StandIn({ children, width, height, type }: { children: React.ReactNode; width: number; height: number; type: string }) {
  return <div style={{ position: 'relative', width, height, overflow: 'hidden' }}>
    <svg width={width} height={height} fontFamily="Inter, sans-serif" fontSize={12} fill={theme.colors.text.primary}>{children}</svg>
    <small style={{ position: 'absolute', right: 4, bottom: 0, color: MUTED, opacity: 0.7 }}>drawn plainly{width > 700 && `: ${type}`}</small>
  </div>;
}

interface Bar { name: string; value: number; text: string; color: string }

function bars(frames: data.DataFrame[]): Bar[] {
  const found = frames.flatMap((frame) => {
    const names = frame.fields.find((field) => field.type === data.FieldType.string);
    return frame.fields.filter((field) => field.type === data.FieldType.number).flatMap((field, column) =>
      (names ? [...field.values] : [field.values.at(-1)]).map((value, row) => {
        const shown = field.display!(value);
        const color = shown.color ?? theme.visualization.getColorByName('blue');
        const name = names ? String(names.values[row]) : data.getFieldDisplayName(field, frame, frames);
        return { name: column && names ? `${name}, ${data.getFieldDisplayName(field, frame, frames)}` : name,
          value: Number(value), text: data.formattedValueToString(shown), color };
      }));
  });
  return found.filter((bar) => Number.isFinite(bar.value)).sort((a, b) => b.value - a.value);
}

export function BarChart({ frames, width, height }: Drawn) {
  const shown = bars(frames).slice(0, Math.floor((height - 16) / 18));
  const most = Math.max(...shown.map((bar) => bar.value), 0) || 1;
  const left = Math.min(width / 2, 8 + 7 * Math.max(...shown.map((bar) => bar.name.length), 0));
  return <StandIn width={width} height={height} type="bar chart">{shown.map((bar, row) => <g key={row}>
    <text x={left - 6} y={row * 18 + 13} textAnchor="end">{bar.name}</text>
    <rect x={left} y={row * 18 + 3} height={13} width={Math.max(0, ((width - left - 90) * bar.value) / most)} fill={bar.color} />
    <text x={left + ((width - left - 90) * Math.max(0, bar.value)) / most + 5} y={row * 18 + 13}>{bar.text}</text>
  </g>)}</StandIn>;
}

export function PieChart({ frames, width, height }: Drawn) {
  const shown = bars(frames).filter((bar) => bar.value > 0);
  const total = shown.reduce((sum, bar) => sum + bar.value, 0);
  const radius = Math.min(width / 4, height / 2 - 12);
  const round = 2 * Math.PI * radius * 0.75;
  let before = 0;
  return <StandIn width={width} height={height} type="pie chart">
    {shown.map((bar, index) => {
      const part = (bar.value / total) * round;
      const slice = <circle key={index} cx={radius + 8} cy={height / 2} r={radius * 0.75} fill="none" stroke={bar.color}
        strokeWidth={radius / 2} strokeDasharray={`${part} ${round}`} strokeDashoffset={-before} />;
      before += part;
      return slice;
    })}
    {shown.map((bar, index) => <g key={index} transform={`translate(${2 * radius + 28} ${index * 18 + 20})`}>
      <rect width={10} height={10} y={-9} fill={bar.color} /><text x={16}>{bar.name}: {bar.text}</text>
    </g>)}
  </StandIn>;
}

export function StateTimeline({ panel, frames, width, height, range }: Drawn) {
  const states = panel.fieldConfig.defaults.mappings.flatMap((mapping: any) => Object.values<any>(mapping.options));
  const [from, to] = [range.from.valueOf(), range.to.valueOf()];
  const rows = frames.flatMap((frame) => frame.fields.filter((field) => field.type !== data.FieldType.time).map((field) =>
    ({ times: frame.fields[0].values as number[], field, name: data.getFieldDisplayName(field, frame, frames) })));
  const left = Math.min(width / 2, 8 + 7 * Math.max(...rows.map((row) => row.name.length), 0));
  const tall = Math.min(30, (height - 28) / rows.length);
  const x = (at: number) => left + ((width - left - 8) * (at - from)) / (to - from);
  return <StandIn width={width} height={height} type="state timeline">{rows.map(({ times, field, name }, row) => <g key={row}>
    <text x={left - 6} y={row * tall + tall / 2 + 4} textAnchor="end">{name}</text>
    {times.map((at, index) => {
      const value = field.values[index];
      if (value == null || Number.isNaN(value)) return null;
      const end = Math.min(times[index + 1] ?? to, at + 3 * (times[1] - times[0] || 60_000));
      return <rect key={index} x={x(at)} y={row * tall + 2} width={Math.max(1, x(end) - x(at) + 0.5)} height={tall - 4}
        fill={field.display!(value).color} shapeRendering="crispEdges" />;
    })}
  </g>)}{states.map(({ text, color }: any, index: number) => <g key={`state ${index}`} transform={`translate(${4 + index * (width > 700 ? 150 : 75)} ${height - 8})`}>
    <rect width={10} height={10} y={-9} fill={theme.visualization.getColorByName(color)} /><text x={16}>{text}</text>
  </g>)}</StandIn>;
}

export function NodeGraph({ frames, width, height }: Drawn) {
  const records = (name: string) => {
    const frame = frames.find((one) => one.refId === name || one.fields.some((field) => field.name === name));
    return frame ? Array.from({ length: frame.length }, (_, row) =>
      Object.fromEntries(frame.fields.map((field) => [field.name, field.values[row]]))) : [];
  };
  const nodes = records('nodes'), edges = records('edges');
  const layer = new Map<string, number>(nodes.map((node) => [node.id, 0]));
  for (let round = 0; round < 5; round++) {
    for (const edge of edges) layer.set(edge.target, Math.max(layer.get(edge.target) ?? 0, (layer.get(edge.source) ?? 0) + 1));
  }
  const layers = Math.max(...layer.values(), 0) + 1;
  const place = new Map<string, [number, number]>();
  for (let depth = 0; depth < layers; depth++) {
    const here = nodes.filter((node) => layer.get(node.id) === depth);
    here.forEach((node, row) => place.set(node.id, [((depth + 0.5) * width) / layers, 14 + ((row + 0.5) * (height - 20)) / here.length]));
  }
  return <StandIn width={width} height={height} type="node graph">
    {edges.map((edge, index) => {
      const from = place.get(edge.source), to = place.get(edge.target);
      return from && to && <line key={index} x1={from[0]} y1={from[1]} x2={to[0]} y2={to[1]} stroke={MUTED} opacity={0.5} />;
    })}
    {nodes.map((node, index) => {
      const [cx, cy] = place.get(node.id)!;
      const bad = Number(node.arc__bad ?? 0) > 0;
      return <g key={index}><circle cx={cx} cy={cy} r={6} fill={theme.visualization.getColorByName(bad ? 'red' : 'green')} />
        <text x={cx} y={cy - 9} textAnchor="middle" fontSize={10}>{node.title}</text></g>;
    })}
  </StandIn>;
}
