import { statfs } from 'node:fs/promises';
import { Staging } from '../../adapters/staging/staging.ts';
import { messageOf } from '../../model/errors.ts';
import type { Settings } from '../../model/settings.ts';
import { formatBytes } from '../../model/figures.ts';
import { ok, warning, type DoctorFinding } from './check.ts';

/** Checks that this host's staging folder is writable, and that its disk has enough free space. */
export async function checkStaging({ worker }: Settings): Promise<DoctorFinding[]> {
  const { staging, stagingBytes } = worker;
  try {
    await Staging.open(staging, stagingBytes);
  } catch (error) {
    const advice = 'Make worker.staging a folder that the worker can write to.';
    return [{ state: 'failed', subject: 'staging', says: messageOf(error), advice }];
  }
  const { bavail, bsize } = await statfs(staging);
  const free = bavail * bsize;
  const says = `${staging} is writable; ${formatBytes(free)} are free`;
  if (free >= stagingBytes) return [ok('staging', says)];
  return [
    warning(
      'staging',
      `${says}, less than its limit of ${formatBytes(stagingBytes)}`,
      'Free space on that disk, or lower worker.stagingBytes.',
    ),
  ];
}
