import { statfs } from 'node:fs/promises';
import { Staging } from '../../adapters/staging/staging.ts';
import { messageOf } from '../../model/errors.ts';
import type { Settings } from '../../model/settings.ts';
import { formatBytes } from '../../model/figures.ts';
import { ok, warning, type Finding } from './check.ts';

/** Can the staging folder of this host be written to, and has its disk room for what it may hold? */
export async function checkStaging({ worker }: Settings): Promise<Finding[]> {
  const { staging, stagingBytes } = worker;
  try {
    await Staging.open(staging, stagingBytes);
  } catch (error) {
    const advice = 'Make worker.staging a folder that the worker can write to.';
    return [{ state: 'failed', subject: 'staging', says: messageOf(error), advice }];
  }
  const { bavail, bsize } = await statfs(staging);
  const free = bavail * bsize;
  const says = `${staging} can be written to; ${formatBytes(free)} are free`;
  if (free >= stagingBytes) return [ok('staging', says)];
  return [
    warning(
      'staging',
      `${says}, less than the ${formatBytes(stagingBytes)} that it may hold`,
      'Free space on that disk, or lower worker.stagingBytes.',
    ),
  ];
}
