/** A line of figures over time. In a file of its own, because the chart library is larger than a page. */
import '@mantine/charts/styles.css';
import { AreaChart, type AreaChartSeries } from '@mantine/charts';

type Props = {
  readonly label: string;
  readonly data: readonly Readonly<Record<string, string | number>>[];
  readonly series: readonly {
    readonly name: string;
    readonly label: string;
    readonly tone: 'first' | 'second' | 'third';
  }[];
  readonly format?: (value: number) => string;
};

const colors = { first: 'var(--fh-info)', second: 'var(--fh-good)', third: 'var(--fh-warn)' } as const;

export default function TrendChart({ label, data, series, format = String }: Props) {
  const lines: AreaChartSeries[] = series.map(({ name, label: text, tone }) => ({
    name,
    label: text,
    color: colors[tone],
  }));
  return (
    <div role="img" aria-label={label}>
      <AreaChart
        h={240}
        data={[...data] as Record<string, string | number>[]}
        dataKey="at"
        series={lines}
        curveType="monotone"
        strokeWidth={2}
        fillOpacity={0.14}
        withDots={false}
        withLegend={series.length > 1}
        tickLine="none"
        gridAxis="x"
        valueFormatter={format}
        xAxisProps={{ minTickGap: 40 }}
        yAxisProps={{ width: 64, allowDecimals: false }}
        areaChartProps={{ accessibilityLayer: false }}
        // Figures that come every second would never stand still, and a telephone would be busy with nothing else.
        areaProps={{ isAnimationActive: false }}
      />
    </div>
  );
}
