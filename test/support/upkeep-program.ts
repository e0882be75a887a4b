/**
 * A program that does the upkeep of tables by a clock of its own, to be killed: `upkeep-program.ts OPTIONS`, with JSON of
 * {@link UpkeepOptions}. It prints one line of JSON, with the work done on each table.
 */
import { randomUUID } from 'node:crypto';
import { Warehouse } from '../../adapters/delta/warehouse.ts';
import { createLogger } from '../../adapters/log.ts';
import { RunStaging } from '../../adapters/staging/run-staging.ts';
import { Staging } from '../../adapters/staging/staging.ts';
import { readSettings } from '../../model/settings.ts';
import { upkeepLimits } from '../../steps/upkeep/deps.ts';
import { warehouseOf } from '../../steps/warehouse-of.ts';
import { tableNamed } from '../../tables/index.ts';
import { compactAll, maintainTable } from './upkeep-steps.ts';
import { UpkeepOptions } from './upkeep-options.ts';

const options = UpkeepOptions.parse(JSON.parse(process.argv[2] ?? ''));
const settings = readSettings(options.settingsFile);
const hdfs = { ...settings.hdfs, nameNodes: [options.nameNode] };
const { path, options: delta } = warehouseOf({ ...settings, hdfs }, createLogger('test', 'fatal'));
const warehouse = new Warehouse(path, { ...delta, checkpointInterval: 1, nowMs: () => options.nowMs });
const staging = await Staging.open(options.staging, settings.worker.stagingBytes);
const runId = randomUUID();
const execution = { workflowId: `upkeep-${runId}`, runId };
const run = { execution, attempt: 1, signal: new AbortController().signal, seconds: () => 0 };
const deps = {
  warehouse,
  limits: upkeepLimits(settings.maintenance),
  staging,
  own: RunStaging.of(staging, execution),
  openRunIds: () => Promise.resolve(new Set(options.openRuns)),
};
const done = [];
for (const name of options.tables) {
  const table = tableNamed(name);
  const work = options.compactsOnly
    ? { compacted: await compactAll(deps, run, table), logFiles: 0, dataFiles: 0 }
    : await maintainTable(deps, run, table);
  done.push({ table: name, ...work });
}
process.stdout.write(`${JSON.stringify(done)}\n`);
