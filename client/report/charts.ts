import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { formatNumber } from '../../model/figures.ts';
import { Markup, html } from './html.ts';

/** Chart widths in pixels: each chart is drawn for desktop and for phones, and the style sheet shows the one that fits. */
const WIDE = 720;
const NARROW = 340;

/** The accessible name of a chart; the values are in the table beside it. */
interface Titled {
  readonly title: string;
}

/** A bar of a rank chart. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The formatted value, shown at the end of the bar. */
  readonly shown: string;
}

/** A column of a column chart. */
export interface ChartColumn {
  readonly label: string;
  readonly value: number;
  /** The tooltip. */
  readonly hint: string;
}

/** A value with its confidence interval or range. */
export interface ChartInterval extends Bar {
  readonly low: number;
  readonly high: number;
}

/** Returns the options of a chart for one width. */
type Draw = (width: number) => Plot.PlotOptions;

const { document } = parseHTML('<!doctype html><html></html>');
let chartCount = 0;

/** Draws horizontal bars, the first on top, each with its label and value. */
export function rankChart({ title, bars }: Titled & { readonly bars: readonly Bar[] }): Markup {
  return bothWidths(title, (width) => {
    const rows = bars.map((bar, index) => ({ ...bar, index }));
    const { options, label } = rowsLayout(width, bars.length);
    return {
      ...options,
      x: { axis: null, domain: [0, Math.max(1, ...bars.map(({ value }) => value))] },
      marks: [
        Plot.barX(rows, { x: 'value', y: 'index', fill: 'var(--bar)', rx: 2, ...label.band }),
        Plot.text(rows, {
          x: 'value',
          y: 'index',
          text: 'shown',
          textAnchor: 'start',
          dx: 6,
          ...label.value,
        }),
        Plot.text(rows, { y: 'index', text: 'label', ...label.name }),
      ],
    };
  });
}

/** Draws values with their intervals, the first on top, by default on an axis of shares from 0 to 1. */
export function intervalChart({
  title,
  across,
  intervals,
  format,
}: Titled & {
  readonly across: string;
  readonly intervals: readonly ChartInterval[];
  readonly format?: Plot.ScaleOptions;
}): Markup {
  return bothWidths(title, (width) => {
    const rows = intervals.map((interval, index) => ({ ...interval, index }));
    const { options, label } = rowsLayout(width, intervals.length);
    return {
      ...options,
      marginTop: 40,
      x: { label: across, axis: 'top', grid: true, ...(format ?? { domain: [0, 100], percent: true }) },
      marks: [
        Plot.ruleY(rows, {
          ...{ x1: 'low', x2: 'high', y: 'index', stroke: 'var(--bar)', strokeWidth: 4, strokeOpacity: 0.45 },
          ...{ strokeLinecap: 'round', dy: label.band.insetTop / 2 },
        }),
        Plot.dot(rows, { x: 'value', y: 'index', r: 4.5, fill: 'var(--bar)', dy: label.band.insetTop / 2 }),
        Plot.text(rows, { y: 'index', text: 'label', ...label.name }),
      ],
    };
  });
}

/** Draws vertical columns in order. */
export function columnChart({
  title,
  across,
  up,
  columns,
  everyNarrow = 1,
  turned = false,
}: Titled & {
  readonly across: string;
  readonly up: string;
  readonly columns: readonly ChartColumn[];
  /** On phones, only every nth column is labelled. */
  readonly everyNarrow?: number;
  /** Whether labels are rotated on phones, because they are long. */
  readonly turned?: boolean;
}): Markup {
  const labels = columns.map(({ label }) => label);
  return bothWidths(title, (width) => ({
    width,
    height: width === WIDE ? 280 : 240,
    marginLeft: 48,
    marginBottom: turned && width === NARROW ? 84 : 44,
    x: {
      ...{ domain: labels, label: across, padding: 0.15 },
      ...(width === NARROW ? { ticks: labels.filter((_, index) => index % everyNarrow === 0) } : {}),
      ...(turned && width === NARROW ? { tickRotate: -50, label: null } : {}),
    },
    y: { label: up, grid: true, ticks: 5, tickFormat: formatWholeTick },
    marks: [
      Plot.barY(columns, { x: 'label', y: 'value', fill: 'var(--bar)', rx: 2, title: 'hint' }),
      Plot.ruleY([0]),
    ],
  }));
}

/** Draws a small histogram of shares in ten bins; `from` is the bin's index. */
export function smallHistogram(title: string, bins: readonly { from: number; attempts: number }[]): Markup {
  return draw(title, {
    width: 220,
    height: 98,
    // Large, since it is scaled down where two are side by side on a phone.
    style: { fontSize: '15px' },
    ...{ marginLeft: 14, marginRight: 22, marginTop: 4, marginBottom: 26 },
    x: { domain: [0, 100], ticks: [0, 50, 100], tickFormat: (share: number) => `${share}%`, label: null },
    y: { axis: null },
    marks: [
      Plot.rectY([...bins], {
        x1: (bin: { from: number }) => bin.from * 10,
        x2: (bin: { from: number }) => bin.from * 10 + 10,
        ...{ y: 'attempts', fill: 'var(--bar)', inset: 0.5 },
      }),
      Plot.ruleY([0]),
    ],
  });
}

/** Formats whole ticks only, for axes of counts. */
function formatWholeTick(value: number): string {
  return Number.isInteger(value) ? formatNumber(value) : '';
}

/** Returns the layout of horizontal rows: labels are left of the bars on desktop, above them on phones. */
function rowsLayout(width: number, count: number) {
  const wide = width === WIDE;
  const step = wide ? 24 : 40;
  const options = {
    width,
    height: count * step + 44,
    marginLeft: wide ? 396 : 4,
    marginRight: wide ? 56 : 48,
    marginTop: 4,
    marginBottom: 4,
    y: { type: 'band', axis: null, domain: Array.from({ length: count }, (_, index) => index), padding: 0 },
  } satisfies Plot.PlotOptions;
  const insetTop = wide ? 4 : 20;
  const name = {
    frameAnchor: 'left',
    textAnchor: wide ? 'end' : 'start',
    dx: wide ? -10 : 0,
    dy: wide ? 0 : -9,
    lineWidth: wide ? 36 : 29,
    fontSize: 11.5,
    textOverflow: 'ellipsis',
    title: 'label',
  } as const;
  return {
    options,
    label: { band: { insetTop, insetBottom: 4 }, value: { dy: (insetTop - 4) / 2 }, name },
  };
}

function bothWidths(title: string, drawAt: Draw): Markup {
  return html`<div class="chart">
    <div class="wide">${draw(title, drawAt(WIDE))}</div>
    <div class="narrow">${draw(title, drawAt(NARROW))}</div>
  </div>`;
}

/** Draws a chart as SVG. Its colours come from the page's CSS variables, so it follows light and dark mode. */
function draw(title: string, options: Plot.PlotOptions): Markup {
  const svg = Plot.plot({ style: { fontSize: '12px' }, ...options, document, className: 'plot' });
  svg.querySelector('style')?.remove();
  // For screen readers the chart is one image with one name; its values are in the table.
  for (const part of svg.querySelectorAll('[aria-label]')) part.removeAttribute('aria-label');
  for (const part of svg.querySelectorAll('[aria-hidden]')) part.removeAttribute('aria-hidden');
  chartCount += 1;
  const id = `chart-${chartCount}`;
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-labelledby', id);
  const name = document.createElementNS('http://www.w3.org/2000/svg', 'title');
  name.setAttribute('id', id);
  name.textContent = title;
  svg.prepend(name);
  return new Markup(svg.outerHTML);
}
