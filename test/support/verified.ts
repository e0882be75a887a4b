import assert from 'node:assert/strict';
import type { WarehouseReport } from '../../client/verify/verify-warehouse.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { DamagedCopy } from './damage.ts';
import { TestPipeline } from './harness.ts';

/** The attempts of a {@link VerifiedRun}. */
export const VERIFIED_ATTEMPTS = 400;

/** A run that landed {@link VERIFIED_ATTEMPTS} attempts of a topic with two partitions, for `verify`. */
export class VerifiedRun {
  readonly pipeline: TestPipeline;
  readonly topic: string;
  readonly #platform: Platform;
  #copies = 0;

  private constructor(pipeline: TestPipeline, platform: Platform) {
    this.pipeline = pipeline;
    this.topic = `${pipeline.name}-source`;
    this.#platform = platform;
  }

  /** Runs a pipeline once, and stops its worker. */
  static async land(): Promise<VerifiedRun> {
    const platform = await startPlatform({ port: 0, seed: 7, count: VERIFIED_ATTEMPTS });
    const pipeline = await TestPipeline.create(
      { source: { url: `${platform.url}/attempts` } },
      { kafka: { brokers: [process.env['PIPELINE_TEST_KAFKA'] ?? '127.0.0.1:9092'], partitions: 2 } },
    );
    const worker = await pipeline.startWorker();
    await (await pipeline.start({ source: 'source' })).result();
    await worker.kill();
    return new VerifiedRun(pipeline, platform);
  }

  /** Returns a copy of the tables, to be damaged. */
  copy(): Promise<DamagedCopy> {
    this.#copies += 1;
    return DamagedCopy.of(this.pipeline, `copy-${this.#copies}`);
  }

  async close(): Promise<void> {
    await this.pipeline.close();
    await this.#platform.close();
  }
}

/** Returns the codes of the findings, in their order. */
export function codesOf({ findings }: WarehouseReport): string[] {
  return findings.map(({ code }) => code);
}

/** Requires a finding of a code at a place. */
export function requireFinding(answer: WarehouseReport, code: string, where: string, message: RegExp): void {
  assert.equal(answer.verified, false);
  const found = answer.findings.find((finding) => finding.code === code && finding.where === where);
  assert.ok(found, `${code} of ${where} is not among ${JSON.stringify(answer.findings, null, 1)}`);
  assert.match(found.message, message);
}
