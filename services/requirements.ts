import { PipelineError, messageOf } from '../model/errors.ts';
import { hasProductJars } from './install.ts';
import type { ServiceName } from './ports.ts';
import { requireJava, requireTool } from './tools.ts';

/**
 * Requires the programs that servers need and that are not fetched: Java, and Maven unless it has fetched what they run
 * on. Checked before anything is fetched.
 *
 * @throws PipelineError SERVICE_TOOL_MISSING with all that is missing, each with instructions to install it.
 */
export async function requirePrograms(names: readonly ServiceName[]): Promise<void> {
  const products = [
    ...(names.includes('kafka') ? (['kafka'] as const) : []),
    ...(names.includes('namenode') || names.includes('datanode') ? (['hdfs'] as const) : []),
  ];
  if (products.length === 0) return;
  const isFetched = await Promise.all(products.map(hasProductJars));
  const checks = [requireJava, ...(isFetched.every(Boolean) ? [] : [(): string => requireTool('mvn')])];
  const missing = checks.flatMap((check) => {
    try {
      check();
      return [];
    } catch (error) {
      return [messageOf(error)];
    }
  });
  if (missing.length > 0) throw new PipelineError('SERVICE_TOOL_MISSING', missing.join('\n'));
}
