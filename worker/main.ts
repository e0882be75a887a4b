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
      logger.info({ signal }, 'draining: running tasks may finish, no new ones are accepted');
      worker.drain();
    });
  }
  await worker.ended;
  logger.info('the worker ended');
} catch (error) {
  logger.fatal({ error: messageOf(error) }, 'the worker failed');
  // Open handles, such as the /healthz server, would keep a useless process alive that is then never restarted.
  process.exit(1);
}
