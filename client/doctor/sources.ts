import { access, constants } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openHttp } from '../../adapters/http/source.ts';
import { accessOf, urlOf } from '../../steps/source/address.ts';
import { PipelineError, messageOf } from '../../model/errors.ts';
import type { Settings, SourceSettings } from '../../model/settings.ts';
import { ok, type Check, type DoctorFinding } from './check.ts';

/** The length of the requested interval: short, to cost the customer's server little. */
const INTERVAL_MS = 60_000;

const PATIENCE = { idleMs: 10_000, windowMs: 10_000, minBytesPerSecond: 1 };

/** Returns a check per source: is its url reachable, with its token? The content is not read. */
export function sourceChecks({ sources }: Settings): Check[] {
  return Object.entries(sources).map(([name, source]) => {
    const subject = `source ${name}`;
    return { subject, run: async () => [await checkSource(subject, name, source)] };
  });
}

async function checkSource(subject: string, name: string, source: SourceSettings): Promise<DoctorFinding> {
  if (source.url === undefined) return ok(subject, 'has no url: what others publish to its topic is landed');
  const [from, to] = [new Date(Date.now() - INTERVAL_MS), new Date()].map((time) => time.toISOString());
  const request = { source: name, from: from ?? '', to: to ?? '' };
  const url = urlOf(request, source);
  if (url.protocol === 'file:') return checkFile(subject, fileURLToPath(url));
  const controller = new AbortController();
  const { body, hasNoContent } = await openHttp({
    ...accessOf(request, source),
    resume: undefined,
    signal: controller.signal,
    timeouts: PATIENCE,
  });
  // Leaving the loop closes the connection.
  for await (const chunk of body) if (chunk.length > 0) break;
  return ok(subject, `${url.host} ${hasNoContent ? 'has no content now' : 'returns content'}`);
}

async function checkFile(subject: string, file: string): Promise<DoctorFinding> {
  try {
    await access(file, constants.R_OK);
  } catch (cause) {
    throw new PipelineError('SOURCE_REFUSED', `${subject}: ${messageOf(cause)}`, { cause });
  }
  return ok(subject, `${file} is readable`);
}
