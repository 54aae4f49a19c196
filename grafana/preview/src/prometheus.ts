// Asks Prometheus what a panel asks, and gives it back as Grafana's Prometheus data source would.
import { type DataFrame, FieldType, toDataFrame } from '@grafana/data';

export interface Range { start: number; end: number } // unix seconds
export type Values = Record<string, string>;

interface Series { metric: Record<string, string>; value?: [number, string]; values?: [number, string][] }

export class Prometheus {
  constructor(private readonly url: string, private readonly range: Range) {}

  // Each variable's value as it stands in a query; those that were not chosen are at All, or at their default.
  async variables(board: any, chosen: Values): Promise<Values> {
    const { start, end } = this.range;
    const seconds = end - start;
    const values: Values = {
      __rate_interval: `${Math.max(240, Math.floor(seconds / 250) + 60)}s`, __interval: `${Math.max(15, Math.floor(seconds / 250))}s`,
      __range: `${seconds}s`, __range_s: `${seconds}`, ds: 'prometheus',
    };
    for (const variable of board.templating.list) {
      const { name, type, current, allValue, includeAll } = variable;
      if (name in chosen) values[name] = chosen[name];
      else if (type === 'query') {
        const names = await this.options(variable, values);
        values[name] = includeAll ? (allValue ?? `(${names.map(literally).join('|')})`) : (names[0] ?? '');
      } else if (type !== 'datasource') values[name] = String([current?.value ?? ''].flat()[0]);
    }
    return values;
  }

  private async options({ query, regex }: any, values: Values): Promise<string[]> {
    const asked = substitute(query.query, values);
    const ranking = /^query_result\((.*)\)$/.exec(asked);
    if (!ranking) {
      const [, selector, label] = /label_values\((.*), (\w+)\)/.exec(asked)!;
      return this.get(`label/${label}/values`, { 'match[]': selector, ...this.range });
    }
    const { result } = await this.get('query', { query: ranking[1], time: this.range.end });
    const taken = new RegExp(regex.slice(1, -1));
    const texts = result.map(({ metric, value }: Series) => `{${Object.keys(metric).sort().map((name) => `${name}="${metric[name]}"`)}} ${value!.reverse().join(' ')}`);
    return [...new Set<string>(texts.flatMap((text: string) => taken.exec(text)?.[1] ?? []))];
  }

  async frames(panel: any, values: Values): Promise<DataFrame[]> {
    const asked = (panel.targets ?? []).filter((target: any) => !target.hide);
    const tables = asked.filter((target: any) => target.format === 'table').length;
    const valueOf = (target: any) => (tables > 1 ? `Value #${target.refId}` : 'Value');
    return (await Promise.all(asked.map((target: any) => this.ask(target, values, valueOf(target))))).flat();
  }

  private async ask(target: any, values: Values, value: string): Promise<DataFrame[]> {
    const query = substitute(target.expr, values);
    const { start, end } = this.range;
    const step = Math.max(15, Math.floor((end - start) / 250));
    const data = target.instant
      ? await this.get('query', { query, time: end })
      : await this.get('query_range', { query, start: Math.floor(start / step) * step, end, step });
    return target.format === 'table' ? [asTable(target, data.result, value)] : data.result.map((s: Series) => asSeries(target, s));
  }

  private async get(path: string, parameters: Record<string, any>): Promise<any> {
    const answer = await (await fetch(`${this.url}/api/v1/${path}?${new URLSearchParams(parameters)}`)).json();
    if (answer.status !== 'success') throw new Error(`${parameters.query ?? path}: ${answer.error}`);
    return answer.data;
  }
}

export function substitute(text: string, values: Values): string {
  return text.replace(/\$\{?(\w+)(?::\w+)?\}?/g, (whole, name) => values[name] ?? whole);
}

// As a regular expression within a string of PromQL.
function literally(text: string): string {
  return text.replace(/[\\^$*+?.()|[\]{}]/g, '\\\\$&');
}

function asTable(target: any, result: Series[], value: string): DataFrame {
  const labels = [...new Set(result.flatMap((series) => Object.keys(series.metric)))].sort();
  const newest = result.map((series) => series.value ?? series.values!.at(-1)!);
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: newest.map(([at]) => at * 1000) },
      ...labels.map((name) => ({ name, type: FieldType.string, values: result.map((series) => series.metric[name] ?? '') })),
      { name: value, type: FieldType.number, values: newest.map(([, text]) => number(text)) },
    ],
  });
}

function asSeries(target: any, { metric, value, values }: Series): DataFrame {
  const points = values ?? [value!];
  const { __name__, ...labels } = metric;
  const automatic = `${__name__ ?? ''}{${Object.entries(labels).map(([key, text]) => `${key}="${text}"`).join(', ')}}`;
  const displayNameFromDS = target.legendFormat === '__auto'
    ? automatic : target.legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (_: string, name: string) => metric[name] ?? '');
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: points.map(([at]) => at * 1000) },
      { name: 'Value', type: FieldType.number, labels, config: { displayNameFromDS }, values: points.map(([, v]) => number(v)) },
    ],
  });
}

// Prometheus writes +Inf, which Number does not read.
function number(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}
