import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { formatNumber } from '../../model/figures.ts';
import { Markup, html } from './html.ts';

/** Pixels; each chart is drawn for a page and for a phone, and the style sheet shows the one that fits. */
const WIDE = 720;
const NARROW = 340;

/** What a reader of the screen is told; the table beside the chart has its values. */
interface Said {
  readonly title: string;
}

/** A bar of a ranking. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The value, as it is written at the bar's end. */
  readonly shown: string;
}

/** A column over a place of an axis. */
export interface ChartColumn {
  readonly label: string;
  readonly value: number;
  /** Shown where a mouse points at it. */
  readonly hint: string;
}

/** A value that is known only within bounds. */
export interface Interval extends Bar {
  readonly low: number;
  readonly high: number;
}

/** What is drawn of a chart for one width. */
type Draw = (width: number) => Plot.PlotOptions;

const { document } = parseHTML('<!doctype html><html></html>');
let drawn = 0;

/** Bars that lie, the first on top, each with its name and its value. */
export function rankChart({ title, bars }: Said & { readonly bars: readonly Bar[] }): Markup {
  return bothWidths(title, (width) => {
    const places = bars.map((bar, at) => ({ ...bar, at }));
    const { options, label } = rowsLayout(width, bars.length);
    return {
      ...options,
      x: { axis: null, domain: [0, Math.max(1, ...bars.map(({ value }) => value))] },
      marks: [
        Plot.barX(places, { x: 'value', y: 'at', fill: 'var(--bar)', rx: 2, ...label.band }),
        Plot.text(places, { x: 'value', y: 'at', text: 'shown', textAnchor: 'start', dx: 6, ...label.value }),
        Plot.text(places, { y: 'at', text: 'label', ...label.name }),
      ],
    };
  });
}

/** Values with the bounds that they are known within, the first on top, on an axis of shares from 0 to 1. */
export function intervalChart({
  title,
  across,
  intervals,
  format,
}: Said & {
  readonly across: string;
  readonly intervals: readonly Interval[];
  readonly format?: Plot.ScaleOptions;
}): Markup {
  return bothWidths(title, (width) => {
    const places = intervals.map((interval, at) => ({ ...interval, at }));
    const { options, label } = rowsLayout(width, intervals.length);
    return {
      ...options,
      marginTop: 40,
      x: { label: across, axis: 'top', grid: true, ...(format ?? { domain: [0, 100], percent: true }) },
      marks: [
        Plot.ruleY(places, {
          ...{ x1: 'low', x2: 'high', y: 'at', stroke: 'var(--bar)', strokeWidth: 4, strokeOpacity: 0.45 },
          ...{ strokeLinecap: 'round', dy: label.band.insetTop / 2 },
        }),
        Plot.dot(places, { x: 'value', y: 'at', r: 4.5, fill: 'var(--bar)', dy: label.band.insetTop / 2 }),
        Plot.text(places, { y: 'at', text: 'label', ...label.name }),
      ],
    };
  });
}

/** Columns side by side, in their order. */
export function columnChart({
  title,
  across,
  up,
  columns,
  everyNarrow = 1,
  turned = false,
}: Said & {
  readonly across: string;
  readonly up: string;
  readonly columns: readonly ChartColumn[];
  /** Where there is little room, one of so many places is named. */
  readonly everyNarrow?: number;
  /** Whether the names of the places are long, and stand slanted on a phone. */
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
      ...(width === NARROW ? { ticks: labels.filter((_, at) => at % everyNarrow === 0) } : {}),
      ...(turned && width === NARROW ? { tickRotate: -50, label: null } : {}),
    },
    y: { label: up, grid: true, ticks: 5, tickFormat: wholeOnly },
    marks: [
      Plot.barY(columns, { x: 'label', y: 'value', fill: 'var(--bar)', rx: 2, title: 'hint' }),
      Plot.ruleY([0]),
    ],
  }));
}

/** A small histogram of shares in ten steps, one of many; `from` is the step, from 0. */
export function smallHistogram(title: string, bins: readonly { from: number; attempts: number }[]): Markup {
  return draw(title, {
    width: 220,
    height: 98,
    // It is shown smaller than it is drawn where two stand side by side on a phone.
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

/** Between counts there is nothing to read. */
function wholeOnly(value: number): string {
  return Number.isInteger(value) ? formatNumber(value) : '';
}

/** Rows of a ranking: on a page the name stands left of its bar, on a phone above it. */
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
    y: { type: 'band', axis: null, domain: Array.from({ length: count }, (_, at) => at), padding: 0 },
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

/** One drawing as SVG. Its colours are those of the page's style, so it follows light and dark. */
function draw(title: string, options: Plot.PlotOptions): Markup {
  const svg = Plot.plot({ style: { fontSize: '12px' }, ...options, document, className: 'plot' });
  svg.querySelector('style')?.remove();
  // It is one picture, with one name: what is in it is read in the table.
  for (const part of svg.querySelectorAll('[aria-label]')) part.removeAttribute('aria-label');
  for (const part of svg.querySelectorAll('[aria-hidden]')) part.removeAttribute('aria-hidden');
  drawn += 1;
  const id = `chart-${drawn}`;
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-labelledby', id);
  const name = document.createElementNS('http://www.w3.org/2000/svg', 'title');
  name.setAttribute('id', id);
  name.textContent = title;
  svg.prepend(name);
  return new Markup(svg.outerHTML);
}
