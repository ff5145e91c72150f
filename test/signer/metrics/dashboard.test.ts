/** What docs/ shows of the metrics is what there is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { METRICS } from '@privval/signer/metrics/metric';
import { describe, expect, test } from 'vitest';

const DOCS = join(import.meta.dirname, '../../../docs');

interface Target {
  readonly expr: string;
  readonly legendFormat: string;
}
interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly Target[] }[];
}

const dashboardText = readFileSync(join(DOCS, 'grafana/privval-signer.json'), 'utf8');
const alertsText = readFileSync(join(DOCS, 'alerts/privval.rules.yml'), 'utf8');
const dashboard: Dashboard = JSON.parse(dashboardText);

/** The series a query may name, with the labels each has. */
const SERIES: ReadonlyMap<string, readonly string[]> = new Map(
  METRICS.flatMap(({ name, type, labels }): [string, readonly string[]][] =>
    type === 'histogram'
      ? [
          [`${name}_bucket`, [...labels, 'le']],
          [`${name}_sum`, labels],
          [`${name}_count`, labels],
        ]
      : [[name, labels]],
  ),
);

const EXPRESSIONS = [
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...[...alertsText.matchAll(/^ +expr: '(.*)'$/gm)].map(([, expr]) => expr ?? ''),
];

function seriesIn(expression: string): readonly string[] {
  return [...expression.matchAll(/privval_[a-z_]+/g)].map(([name]) => name);
}

/** Names in matchers and in `by (…)`. */
function labelsIn(expression: string): readonly string[] {
  const matched = [...expression.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)\s*"/g)].map(
    ([, name]) => name,
  );
  const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names]) =>
    names?.split(/,\s*/),
  );
  return [...matched, ...grouped].filter((name) => name !== undefined);
}

describe('dashboard and alert rules', () => {
  test('every expression is found: one at least a panel, one an alert', () => {
    expect(dashboard.panels.every(({ targets }) => targets.length > 0)).toBe(true);
    const alerts = [...alertsText.matchAll(/^ +- alert: /gm)].length;
    const targets = dashboard.panels.reduce((sum, panel) => sum + panel.targets.length, 0);
    expect(EXPRESSIONS).toHaveLength(alerts + targets);
  });

  test('name only metrics that exist, with labels that those have', () => {
    const wrong = EXPRESSIONS.flatMap((expression) => {
      const series = seriesIn(expression);
      const unknown = series.filter((name) => !SERIES.has(name));
      const labels =
        series.length === 0 ? ['job'] : series.flatMap((name) => SERIES.get(name) ?? []);
      const foreign = labelsIn(expression).filter((label) => !labels.includes(label));
      return [...unknown, ...foreign].map((name) => `${name} in ${expression}`);
    });
    expect(wrong).toEqual([]);
  });

  test('show a series by labels that it has', () => {
    const wrong = dashboard.panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr, legendFormat }) => {
        const labels = seriesIn(expr).flatMap((name) => SERIES.get(name) ?? []);
        return [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)]
          .filter(([, label]) => !labels.includes(label ?? ''))
          .map(([label]) => `${label} of ${expr}`);
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('leave out no metric', () => {
    const shown = EXPRESSIONS.flatMap(seriesIn).map((name) =>
      METRICS.some((metric) => metric.name === name)
        ? name
        : name.replace(/_(bucket|sum|count)$/, ''),
    );
    expect(METRICS.map(({ name }) => name).filter((name) => !shown.includes(name))).toEqual([]);
  });
});
