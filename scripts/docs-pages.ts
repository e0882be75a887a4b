import { format, resolveConfig } from 'prettier';
import { contractsPage } from './docs-contracts.ts';
import { errorsPage } from './docs-errors.ts';
import { metricsPage } from './docs-metrics.ts';
import { settingsPage } from './docs-settings.ts';
import { tablesPage } from './docs-tables.ts';

const PAGES: Readonly<Record<string, () => string>> = {
  'docs/contracts.md': contractsPage,
  'docs/settings.md': settingsPage,
  'docs/tables.md': tablesPage,
  'docs/errors.md': errorsPage,
  'docs/metrics.md': metricsPage,
};

/** Returns the pages generated from the code, formatted, by their paths in the project. */
export async function generatedPages(): Promise<Map<string, string>> {
  const config = await resolveConfig(new URL('../package.json', import.meta.url));
  const pages = new Map<string, string>();
  for (const [path, make] of Object.entries(PAGES))
    pages.set(path, await format(make(), { ...config, parser: 'markdown' }));
  return pages;
}
