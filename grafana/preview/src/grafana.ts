// What Grafana's server application sets up for its panels, and what it does to data before a panel gets it.
import * as data from '@grafana/data';
import { lastValueFrom } from 'rxjs';

const PROPERTIES: [string, any][] = [
  ['unit', data.unitOverrideProcessor], ['min', data.numberOverrideProcessor], ['max', data.numberOverrideProcessor],
  ['decimals', data.numberOverrideProcessor], ['displayName', data.displayNameOverrideProcessor],
  ['noValue', data.stringOverrideProcessor], ['thresholds', data.thresholdsOverrideProcessor],
  ['mappings', data.valueMappingsOverrideProcessor], ['color', data.identityOverrideProcessor],
  ['links', data.dataLinksOverrideProcessor],
];
const CUSTOM = ['align', 'width', 'cellOptions', 'hidden', 'filterable', 'lineStyle', 'lineWidth', 'fillOpacity', 'fillBelowTo',
  'drawStyle', 'lineInterpolation', 'showPoints', 'pointSize', 'spanNulls', 'stacking', 'axisPlacement', 'axisLabel', 'hideFrom',
  'gradientMode', 'thresholdsStyle', 'axisSoftMin', 'axisSoftMax', 'scaleDistribution', 'barAlignment'];

export const theme = data.createTheme({ colors: { mode: new URLSearchParams(location.search).get('theme') === 'light' ? 'light' : 'dark' } });

const property = (id: string, process: any, isCustom = false): any => ({
  id: isCustom ? `custom.${id}` : id, path: id, name: id, isCustom, process, settings: {},
  editor: () => null, override: () => null, shouldApply: () => true,
});

data.standardFieldConfigEditorRegistry.setInit(() => PROPERTIES.map(([id, process]) => property(id, process)));
data.standardTransformersRegistry.setInit(() =>
  [...new Map(Object.values(data.standardTransformers).map((one) => [one.id, one])).values()].map((transformation: any) =>
    ({ id: transformation.id, name: transformation.name, transformation, editor: () => null }) as any));
const custom = data.createFieldConfigRegistry({ useCustomConfig: (builder: any) => {
  for (const id of CUSTOM) {
    builder.addCustomEditor({ id, path: id, name: id, editor: () => null, override: () => null,
      process: data.identityOverrideProcessor, shouldApply: () => true, settings: {} });
  }
} } as any, 'preview');

// The options of all fields of a panel as Grafana completes them.
export function fieldConfig(panel: any): any {
  const { defaults, overrides } = panel.fieldConfig;
  const steps = (thresholds: any) => ({
    ...thresholds, steps: thresholds.steps.map((step: any) => ({ ...step, value: step.value ?? -Infinity })),
  });
  return {
    defaults: { ...defaults, thresholds: steps(defaults.thresholds) },
    overrides: overrides.map((override: any) => ({
      ...override,
      properties: override.properties.map((p: any) => (p.id === 'thresholds' ? { ...p, value: steps(p.value) } : p)),
    })),
  };
}

export async function prepared(panel: any, frames: data.DataFrame[]): Promise<data.DataFrame[]> {
  const context: any = { interpolate: (text: string) => text };
  const changed = await lastValueFrom(data.transformDataFrame(panel.transformations ?? [], frames, context));
  return data.applyFieldOverrides({
    data: changed, fieldConfig: fieldConfig(panel), replaceVariables: (text) => text, theme, timeZone: 'utc',
    fieldConfigRegistry: custom,
  });
}
