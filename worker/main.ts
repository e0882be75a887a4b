import { createLogger } from '../adapters/log.ts';
import { makeFilesPrivate } from '../lib/private-files.ts';
import { messageOf } from '../model/errors.ts';
import { readSettings } from '../model/settings.ts';
import { unsupportedNode } from './node-support.ts';
import { startWorker } from './worker.ts';

makeFilesPrivate();
const logger = createLogger('worker');

const outOfSupport = unsupportedNode(process.version, new Date());
if (outOfSupport !== undefined) logger.warn(outOfSupport);

try {
  const worker = await startWorker(readSettings(), logger);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      logger.info({ signal }, 'draining: what runs may end, nothing new is taken');
      worker.drain();
    });
  }
  await worker.ended;
  logger.info('the worker ended');
} catch (error) {
  logger.fatal({ error: messageOf(error) }, 'the worker cannot run');
  // What was begun, as the answers to /healthz, would keep a process alive that does nothing, and none starts it anew.
  process.exit(1);
}
