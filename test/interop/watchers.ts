import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runLoggedCommand } from '../../services/command.ts';
import { cacheFolder, goCommand, installOnce } from '../../services/install.ts';
import { onPath } from '../../services/tools.ts';
import { apt, hasApt, succeeds } from '../support/debian.ts';
import { hashOf } from './install.ts';

/** The program that reads a dashboard by Grafana's own schema. */
const GRAFANA = join(import.meta.dirname, 'grafana');

/** Why Prometheus' own tool cannot be had here; false where it can. */
export function leftOutPromtool(): string | false {
  return (
    onPath('promtool') === undefined &&
    !hasApt() &&
    'The alert rules are tried by promtool, which is no program here.'
  );
}

/** Why the dashboard cannot be read by Grafana's schema here; false where it can. */
export function leftOutGrafana(): string | false {
  return (
    onPath('go') === undefined &&
    'The dashboard is read by Grafana’s own schema in Go, which is no program here.'
  );
}

/** `promtool`: the one on the PATH, or that of Debian's package, unpacked without installing it, which would start a server. */
export async function installPromtool(): Promise<string> {
  const found = onPath('promtool');
  if (found !== undefined) return found;
  const folder = await installOnce(join(cacheFolder(), 'promtool-debian'), async (content, scratch) => {
    // The package's files belong to nobody but root until they are unpacked, so apt must not give up root for them.
    const asRoot = ['-o', 'APT::Sandbox::User=root'];
    const done =
      (await apt(['update'])) &&
      (await apt([...asRoot, 'download', 'prometheus'], scratch)) &&
      (await succeeds('dpkg-deb', ['-x', ...packagesIn(scratch), content]));
    if (!done) throw new Error('Debian’s package prometheus, which holds promtool, could not be had');
  });
  return join(folder, 'usr/bin/promtool');
}

function packagesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.deb'))
    .map((name) => join(folder, name));
}

/** The program that reads a dashboard by Grafana's own schema, built once. */
export async function buildDashboardCheck(): Promise<string> {
  const parts = ['go.mod', 'go.sum', 'main.go'].map((name) => join(GRAFANA, name));
  const name = `dashboard-check-${await hashOf(...parts)}`;
  const folder = await installOnce(join(cacheFolder(), name), (content, scratch) =>
    runLoggedCommand(
      'Building the check of the dashboard',
      goCommand(['build', '-C', GRAFANA, '-o', join(content, 'dashboard-check'), '.'], scratch),
      join(cacheFolder(), 'logs', `${name}.log`),
    ),
  );
  return join(folder, 'dashboard-check');
}
