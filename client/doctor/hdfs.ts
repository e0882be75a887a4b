import { randomUUID } from 'node:crypto';
import { storeTemporary } from '../../adapters/hdfs/verified-upload.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { ok, warning, type Finding } from './check.ts';

/** What is written, read back and removed. */
const PROBE = Buffer.from('A probe of pipeline doctor. It can be removed.\n');

/** A clock that is off by more would put runs and their intervals at a time that others do not see. */
const MAX_SKEW_MS = 5_000;

/** Can HDFS be reached, may we write to the warehouse, and is its clock the same as here? */
export async function checkHdfs({ path, options: { hdfs } }: Warehouse): Promise<Finding[]> {
  const began = Date.now();
  await hdfs.makeFolder(path);
  const probe = `${path}/_doctor-${randomUUID()}`;
  let modifiedAtMs: number;
  try {
    ({ modifiedAtMs } = await storeTemporary(hdfs, PROBE, probe));
  } finally {
    await hdfs.delete(probe);
  }
  const ended = Date.now();
  const stored = ok('hdfs', `reached; ${path} takes files, holds what was sent, and lets them be removed`);
  return [stored, clockFinding(modifiedAtMs, began, ended)];
}

/** A file's time lies between the two, by a clock that is right. */
function clockFinding(atMs: number, began: number, ended: number): Finding {
  const skew = atMs < began ? began - atMs : Math.max(0, atMs - ended);
  if (skew <= MAX_SKEW_MS) return ok('clock', 'agrees with the NameNode’s');
  const seconds = Math.round(skew / 1000);
  return warning(
    'clock',
    `is ${seconds} s ${atMs < began ? 'ahead of' : 'behind'} the NameNode’s`,
    'Let both machines follow the same time server (NTP).',
  );
}
