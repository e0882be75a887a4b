import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import test, { after, before, describe } from 'node:test';
import { ScheduleNotFoundError } from '@temporalio/client';
import { parse, stringify } from 'yaml';
import { TestPipeline } from '../support/harness.ts';

describe('the schedule of upkeep', () => {
  let pipeline: TestPipeline;
  let scheduleId: string;

  before(async () => {
    pipeline = await TestPipeline.create({ source: { url: 'file:feed' } });
    scheduleId = `maintain-${pipeline.settings.temporal.taskQueue}`;
  });

  after(async () => {
    await pipeline.client.schedule
      .getHandle(scheduleId)
      .delete()
      .catch((error: unknown) => {
        assert.ok(error instanceof ScheduleNotFoundError);
      });
    await pipeline.close();
  });

  /** Writes the schedule of upkeep into the settings, or removes it. */
  async function write(schedule: object | undefined): Promise<void> {
    const yaml = parse(await readFile(pipeline.settingsFile, 'utf8')) as Record<string, unknown>;
    await writeFile(pipeline.settingsFile, stringify({ ...yaml, maintenance: schedule && { schedule } }));
  }

  async function apply(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await pipeline.command('schedule', 'apply', ...words);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  }

  test('is created with the settings’ times, and left alone the second time', async () => {
    await write({ every: '10000d' });
    assert.match(await apply('--dry-run'), new RegExp(`^create ${scheduleId}\n {2}\\+ every    10000d\n`));
    assert.match(await apply(), /^1 created$/m);
    const { action, spec, policies } = await pipeline.client.schedule.getHandle(scheduleId).describe();
    assert.deepEqual(
      [action.workflowType, action.args, spec.intervals?.map(({ every }) => every), policies.overlap],
      ['maintain', [{}], [864_000_000_000], 'SKIP'],
    );
    assert.match(await apply(), /^1 unchanged$/m);
  });

  test('is changed with the settings; whether it is paused stays', async () => {
    await pipeline.client.schedule.getHandle(scheduleId).pause();
    await write({ cron: '0 0 29 2 *', timezone: 'Europe/Berlin' });
    const shown = await apply();
    for (const line of ['- every', '+ cron      0 0 29 2 *', '+ timezone  Europe/Berlin', '= paused    true'])
      assert.ok(shown.includes(`\n  ${line}`), shown);
  });

  test('is refused with invalid times, by its key', async () => {
    await write({ cron: '99 * * * *' });
    const { code, stderr } = await pipeline.command('schedule', 'apply');
    assert.equal(code, 2);
    assert.match(stderr, / {2}maintenance\.schedule\.cron: "99 \* \* \* \*": Temporal rejects the schedule/);
    await write({ every: '1h', cron: '0 0 29 2 *' });
    const both = await pipeline.command('schedule', 'apply');
    assert.equal(both.code, 2);
    assert.match(both.stderr, /SETTINGS_INVALID: [^]*maintenance\.schedule/);
  });

  test('is kept when it is no longer in the settings, and deleted with --prune', async () => {
    await write(undefined);
    assert.match(await apply(), /^1 kept although not in the settings$/m);
    assert.match(await apply('--prune'), new RegExp(`^deleted ${scheduleId}$`, 'm'));
    assert.match(await apply(), /^there are no schedules, neither in /);
  });
});
