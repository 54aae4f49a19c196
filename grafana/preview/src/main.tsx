// One board, drawn once: ?board=URL&prometheus=URL&start=&end=&width=&theme=&var-NAME=
import { dateTime, ThemeContext, type DataFrame } from '@grafana/data';
import { GlobalStyles, PanelChrome } from '@grafana/ui';
import React from 'react';
import { createRoot } from 'react-dom/client';
import { prepared, theme } from './grafana';
import { Panel } from './panels';
import { Prometheus, substitute, type Values } from './prometheus';

const ROW = 30, GAP = 8;
const asked = new URLSearchParams(location.search);
const range = { start: Number(asked.get('start')), end: Number(asked.get('end')) };
const width = Number(asked.get('width') ?? 1600) - 2 * GAP;
// Grafana stacks panels on a narrow screen.
const isNarrow = width < 769;

function place(panels: any[], index: number): { x: number; y: number; w: number; h: number } {
  const { x, y, w, h } = panels[index].gridPos;
  if (!isNarrow) return { x: (x * width) / 24, y: y * (ROW + GAP), w: (w * width) / 24 - GAP, h: h * (ROW + GAP) - GAP };
  const before = panels.slice(0, index).reduce((sum, panel) => sum + panel.gridPos.h * (ROW + GAP), 0);
  return { x: 0, y: before, w: width - GAP, h: h * (ROW + GAP) - GAP };
}

function Board({ board, results, values }: { board: any; results: (DataFrame[] | Error)[]; values: Values }) {
  const time: any = { from: dateTime(range.start * 1000), to: dateTime(range.end * 1000), raw: { from: '', to: '' } };
  const places = board.panels.map((_: any, index: number) => place(board.panels, index));
  const height = Math.max(...places.map(({ y, h }: any) => y + h));
  const color = theme.colors.text.primary;
  return <ThemeContext.Provider value={theme}><GlobalStyles />
    <div style={{ padding: GAP, background: theme.colors.background.canvas, color }}>
      <h3 style={{ margin: '4px 0 8px' }}>{board.title}</h3>
      <div style={{ position: 'relative', height }}>{board.panels.map((panel: any, index: number) => {
        const { x, y, w, h } = places[index];
        const style: React.CSSProperties = { position: 'absolute', left: x, top: y, width: w, height: h };
        if (panel.type === 'row') return <div key={index} style={{ ...style, fontWeight: 500 }}>▾ {substitute(panel.title, values)}</div>;
        const result = results[index];
        return <div key={index} className="panel" data-title={panel.title} style={style}>
          <PanelChrome title={substitute(panel.title, values)} description={panel.description} width={w} height={h}>{(inner: number, tall: number) =>
            result instanceof Error ? <pre className="failed">{result.message}</pre>
              : <Panel panel={panel} frames={result} width={inner} height={tall} range={time} />}
          </PanelChrome>
        </div>;
      })}</div>
    </div>
  </ThemeContext.Provider>;
}

async function main() {
  const board = await (await fetch(asked.get('board')!)).json();
  const prometheus = new Prometheus(asked.get('prometheus')!, range);
  const chosen = Object.fromEntries([...asked].filter(([key]) => key.startsWith('var-')).map(([key, text]) => [key.slice(4), text]));
  const values = await prometheus.variables(board, chosen);
  const results = await Promise.all(board.panels.map(async (panel: any) => {
    try {
      return panel.targets ? await prepared(panel, await prometheus.frames(panel, values)) : [];
    } catch (error) {
      return error as Error;
    }
  }));
  document.body.style.background = theme.colors.background.canvas;
  createRoot(document.getElementById('root')!).render(<Board board={board} results={results} values={values} />);
  setTimeout(tell, 300);
}

// For preview.py, which reads the console.
function tell() {
  for (const panel of document.querySelectorAll<HTMLElement>('.panel')) {
    const failed = panel.querySelector('.failed');
    if (failed) console.info(`PREVIEW failed: ${panel.dataset.title}: ${failed.textContent}`);
    if (panel.querySelector('.no-value')) console.info(`PREVIEW empty: ${panel.dataset.title}`);
  }
  console.info('PREVIEW drawn');
}

main().catch((error) => {
  document.body.innerText = error.stack;
  console.info(`PREVIEW failed: ${error}`);
});
