import { writeFileSync } from 'node:fs';
import * as echarts from 'echarts';
import { count, median } from './results.ts';
import type { Case } from './sweeps.ts';

const FILE = new URL('results.svg', import.meta.url);
const SHOWN = ['ours', 'floor', 'sdk', 'sdk + read back'];
const COLOURS = ['#1a7f5a', '#b8bec6', '#f0b429', '#d9480f'];

/** Each call takes so long. */
const DELAY_MS = 20;

/** Draws how long the sweeps of this delay take, as multiples of the floor. */
export function writePlot(cases: readonly Case[]): void {
  const shown = cases.filter(({ world }) => world.delayMs === DELAY_MS);
  const wallOf = ({ outcomes }: Case, name: string) => median((outcomes.get(name) ?? []).map(({ wallMs }) => wallMs));
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 860, height: 380 });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    color: COLOURS,
    title: {
      text: 'Wall time of a sweep, as a multiple of the floor',
      subtext: `${DELAY_MS} ms a call; the floor is a hand-written client that only lists and cancels`,
      left: 'center',
    },
    legend: { bottom: 0, data: SHOWN, selectedMode: false },
    grid: { left: 45, right: 15, top: 75, bottom: 65 },
    xAxis: {
      type: 'category',
      data: shown.map(({ world }) => `${count(world.live)} live\n${count(world.overdue)} overdue`),
    },
    yAxis: { type: 'value', minInterval: 1 },
    series: SHOWN.map((name) => ({
      name,
      type: 'bar',
      silent: true,
      data: shown.map((one) => Number((wallOf(one, name) / wallOf(one, 'floor')).toFixed(2))),
      label: { show: true, position: 'top', fontSize: 10 },
    })),
  });
  writeFileSync(FILE, chart.renderToSVGString());
  chart.dispose();
}
