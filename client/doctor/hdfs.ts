import { randomUUID } from 'node:crypto';
import type { FileStatus } from '../../adapters/hdfs/webhdfs.ts';
import { storeTemporary } from '../../adapters/hdfs/verified-upload.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { PipelineError } from '../../model/errors.ts';
import { ok, warning, type DoctorFinding } from './check.ts';

/** The content of the test file. */
const PROBE = Buffer.from('A probe of pipeline doctor. It can be removed.\n');

/** The tolerated clock difference; a larger one would give runs and their intervals wrong times. */
const MAX_SKEW_MS = 5_000;

/** Checks that HDFS is reachable, that the warehouse is writable, and that the clocks agree. */
export async function checkHdfs({ path, options: { hdfs } }: Warehouse): Promise<DoctorFinding[]> {
  const startedMs = Date.now();
  await hdfs.makeFolder(path);
  const probe = `${path}/_doctor-${randomUUID()}`;
  let status: FileStatus | undefined;
  try {
    await storeTemporary(hdfs, PROBE, probe);
    status = await hdfs.status(probe);
  } finally {
    await hdfs.delete(probe);
  }
  const endedMs = Date.now();
  const stored = ok('hdfs', `reached; files in ${path} can be written, read back and deleted`);
  if (status === undefined)
    throw new PipelineError('HDFS_DAMAGED', `${probe} was deleted by another program`);
  return [stored, clockFinding(status.modifiedAtMs, startedMs, endedMs)];
}

/** Compares the file's modification time with the local times before and after the write. */
function clockFinding(modifiedMs: number, startedMs: number, endedMs: number): DoctorFinding {
  const skew = modifiedMs < startedMs ? startedMs - modifiedMs : Math.max(0, modifiedMs - endedMs);
  if (skew <= MAX_SKEW_MS) return ok('clock', 'agrees with the NameNode’s');
  const seconds = Math.round(skew / 1000);
  return warning(
    'clock',
    `is ${seconds} s ${modifiedMs < startedMs ? 'ahead of' : 'behind'} the NameNode’s`,
    'Synchronize both machines with the same time server (NTP).',
  );
}
