/** The colours of text, bars and links in light mode and in print. */
const DARK_ON_LIGHT = '--ink: #1f2630; --soft: #56606d; --bar: #2a6f8e; --link: #1d5d7a;';

/**
 * The style sheet of the page. All colours, also those of the charts, come from variables, so that light mode, dark mode
 * and print differ only in these. No fonts are loaded.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fcfbf8;
  --card: #ffffff;
  --line: #dfdcd4;
  ${DARK_ON_LIGHT}
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d;
    --card: #1b2027;
    --ink: #e9e6df;
    --soft: #a4adb8;
    --line: #313943;
    --bar: #68b1cf;
    --link: #86c5df;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0;
  background: var(--paper);
  color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif;
}
h1, h2, h3, dd { font-family: ui-serif, 'Iowan Old Style', 'Palatino Linotype', Georgia, 'DejaVu Serif', serif; }
h1, h2, h3, h4 { line-height: 1.25; margin: 0; font-weight: 600; text-wrap: balance; }
h1 { font-size: clamp(1.9rem, 1.4rem + 2vw, 2.75rem); letter-spacing: -0.015em; }
h2 { font-size: 1.6rem; letter-spacing: -0.01em; padding-top: 1.25rem; border-top: 2px solid var(--ink); }
h3 { font-size: 1.2rem; }
h4 { font-size: 0.875rem; }
p { margin: 0.5rem 0; max-width: 68ch; overflow-wrap: anywhere; }
a { color: var(--link); text-underline-offset: 0.2em; }
code, pre { font-family: ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; font-size: 0.8125rem; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 3px; border-radius: 2px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: 0.5rem 1rem; z-index: 1; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.page { max-width: 76rem; margin: 0 auto; padding: 0 1rem 4rem; }
header { padding: 2.5rem 0 1.5rem; }
header p { color: var(--soft); }
.kicker { text-transform: uppercase; letter-spacing: 0.09em; font-size: 0.78rem; font-weight: 600; margin: 0 0 0.5rem; }

.keys {
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(9.25rem, 1fr));
  gap: 1px;
  margin: 1.75rem 0 0;
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 10px;
  overflow: hidden;
}
.keys div { box-shadow: 0 0 0 1px var(--line); padding: 1rem 1.1rem; display: flex; flex-direction: column; }
.keys dt { font-size: 0.8125rem; color: var(--soft); order: 2; line-height: 1.35; }
.keys dd { margin: 0; font-size: 1.75rem; line-height: 1.2; letter-spacing: -0.01em; font-variant-numeric: lining-nums tabular-nums; }

nav { font-size: 0.9rem; margin-bottom: 2.5rem; }
nav h2 { font: 600 0.78rem/1.4 system-ui, sans-serif; text-transform: uppercase; letter-spacing: 0.09em; color: var(--soft); border: 0; padding: 0; margin: 0 0 0.5rem; }
nav ol { list-style: none; margin: 0; padding: 0; columns: 2 16rem; column-gap: 2rem; }
nav li { break-inside: avoid; }
nav a { display: inline-block; padding: 0.2rem 0; text-decoration: none; line-height: 1.35; }
nav a:hover { text-decoration: underline; }
nav .parts { columns: auto; margin: 0 0 0.6rem 0.75rem; }
nav .parts a { color: var(--soft); }

section { margin-bottom: 3.5rem; }
article { margin-top: 2.25rem; scroll-margin-top: 1rem; }
article > p:first-of-type { font-size: 1.0625rem; }
.note { color: var(--soft); font-size: 0.875rem; }

.chart { container-type: inline-size; margin: 1rem 0 0.5rem; }
.chart .narrow { display: none; }
.chart .wide { max-width: 54rem; }
@container (max-width: 35rem) {
  .chart .wide { display: none; }
  .chart .narrow { display: block; max-width: 28rem; }
}
svg.plot { display: block; width: 100%; height: auto; font-family: inherit; overflow: visible; }
svg.plot text { white-space: pre; }

.histograms { list-style: none; margin: 1rem 0; padding: 0; display: grid; gap: 1.25rem 1.5rem; grid-template-columns: repeat(auto-fill, minmax(min(9.5rem, 100%), 1fr)); }
.histograms li { break-inside: avoid; display: flex; flex-direction: column; min-width: 0; }
.histograms h4 { overflow-wrap: anywhere; }
.histograms p { margin: 0.15rem 0 0.35rem; font-size: 0.8125rem; color: var(--soft); }
.histograms strong { color: var(--ink); font-weight: 600; }
.histograms svg { margin-top: auto; max-width: 17rem; }

details { margin-top: 0.5rem; }
details + details { margin-top: 0.25rem; }
summary { position: relative; cursor: pointer; color: var(--link); font-size: 0.875rem; padding: 0.3rem 0; width: fit-content; }
pre { margin: 0.25rem 0 0.75rem; padding: 0.9rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px; overflow-x: auto; line-height: 1.5; }

.scroller { overflow-x: auto; margin: 0.75rem 0; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: lining-nums tabular-nums; }
caption { text-align: left; color: var(--soft); font-size: 0.8125rem; padding-bottom: 0.4rem; }
th, td { padding: 0.4rem 1.25rem 0.4rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
thead th { font-weight: 600; vertical-align: bottom; border-bottom-color: var(--soft); }
tbody th { font-weight: 400; }
tbody th:not(.number) { min-width: 9rem; }
.list { margin: 0.75rem 0; }
.list tr:first-child > * { border-top: 1px solid var(--line); }
.number { text-align: right; white-space: nowrap; }
time, td code, th code { white-space: nowrap; }
.none { color: var(--soft); }

footer { border-top: 2px solid var(--ink); padding-top: 1.25rem; font-size: 0.9rem; }
footer h2 { border: 0; padding: 0; font-size: 1.2rem; }

@media (min-width: 40rem) {
  .histograms { grid-template-columns: repeat(auto-fill, minmax(12.5rem, 1fr)); }
}
@media (min-width: 64rem) {
  .columns { display: grid; grid-template-columns: 15.5rem minmax(0, 1fr); gap: 3.5rem; align-items: start; }
  nav { position: sticky; top: 0; max-height: 100vh; overflow-y: auto; padding: 1.5rem 0.25rem; margin: 0; font-size: 0.8125rem; }
  nav ol { columns: auto; }
  main section:first-child h2 { margin-top: 1.5rem; }
}
@media print {
  @page { margin: 16mm 14mm; }
  :root {
    color-scheme: light;
    --paper: #ffffff;
    --card: #ffffff;
    --line: #cfcbc2;
    ${DARK_ON_LIGHT}
  }
  html { font-size: 13px; }
  .page { max-width: none; padding: 0; }
  .columns { display: block; }
  nav, .skip, .sql, details:not([open]) { display: none; }
  h2, h3, h4 { break-after: avoid; }
  section { break-before: page; margin-bottom: 0; }
  main section:first-child { break-before: auto; }
  article, .chart, tr, .keys div { break-inside: avoid; }
  article:has(.histograms, details[open]) { break-inside: auto; }
  .chart .wide { max-width: 40rem; }
  .scroller { overflow: visible; }
  thead { display: table-header-group; }
  th, td { padding-right: 0.75rem; }
}
`;
