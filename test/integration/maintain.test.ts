import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { attempts as generated } from '../../simulator/generator.ts';
import { TestPipeline } from '../support/harness.ts';

const RUNS = 6;
const ROWS = 5;

describe('upkeep of the tables', () => {
  let pipeline: TestPipeline;

  const rows = async (): Promise<string> => {
    const { code, stdout, stderr } = await pipeline.command(
      'query',
      '--json',
      'SELECT (SELECT count(*) FROM deliveries) AS d, (SELECT sum(hash(COLUMNS(*)::VARCHAR)) FROM attempts) AS a',
    );
    assert.equal(code, 0, stderr);
    return stdout;
  };

  before(async () => {
    pipeline = await TestPipeline.create(
      { source: { url: 'file:feed' } },
      { maintenance: { openPartitionFiles: RUNS } },
    );
    await pipeline.startWorker();
    for (let run = 1; run <= RUNS; run += 1) {
      await pipeline.placeFiles({ feed: JSON.stringify([...generated({ seed: run, count: ROWS })]) });
      const { outcome } = await (await pipeline.start({ source: 'source' })).result();
      assert.equal(outcome, 'landed');
    }
  });

  after(() => pipeline.close());

  test('a dry run names the files, and changes nothing', async () => {
    const { code, stdout, stderr } = await pipeline.command('maintain', '--dry-run');
    console.log(stdout, stderr);
    assert.equal(code, 0, stderr);
  });

  test('small files are merged into one, with the same rows', async () => {
    const { code, stdout, stderr } = await pipeline.command('maintain', '--follow');
    console.log(stdout, stderr);
    assert.equal(code, 0, stderr);
    const verify = await pipeline.command('verify');
    console.log(verify.stdout, verify.stderr);
  });
});
