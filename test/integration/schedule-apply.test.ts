import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import test, { after, before, describe } from 'node:test';
import { ScheduleNotFoundError, type ScheduleDescription } from '@temporalio/client';
import { parse, stringify } from 'yaml';
import { TestPipeline, eventually, type SourceYaml } from '../support/harness.ts';

/** Schedules are of the whole server: these sources are this test's alone. */
const UNIQUE = `${process.pid}-${Date.now().toString(36)}`;
const FIRST = `first-${UNIQUE}`;
const SECOND = `second-${UNIQUE}`;
const FOREIGN = `foreign-${UNIQUE}`;

/** No run of these is to begin while the test looks. */
const NEVER = { cron: '0 0 29 2 *', interval: '1d' };

const URL = 'http://127.0.0.1:1/attempts?from={from}&to={to}';

describe('schedule apply', () => {
  let pipeline: TestPipeline;
  /** Another one on the same Temporal: its runs are for other workers. */
  let other: TestPipeline;

  before(async () => {
    pipeline = await TestPipeline.create({ [FIRST]: { url: URL }, [SECOND]: { url: URL } });
    other = await TestPipeline.create({ [FOREIGN]: { url: URL, schedule: NEVER } });
  });

  after(async () => {
    for (const source of [FIRST, SECOND, FOREIGN]) {
      await pipeline.client.schedule
        .getHandle(`ingest-${source}`)
        .delete()
        .catch((error: unknown) => {
          assert.ok(error instanceof ScheduleNotFoundError);
        });
    }
    await other.close();
    await pipeline.close();
  });

  /** Writes the sources' schedules into the settings; a source without one has none. */
  async function write(schedules: Readonly<Record<string, object>>): Promise<void> {
    const yaml = parse(await readFile(pipeline.settingsFile, 'utf8')) as {
      sources: Record<string, SourceYaml>;
    };
    for (const [source, settings] of Object.entries(yaml.sources)) {
      delete settings['schedule'];
      const schedule = schedules[source];
      if (schedule !== undefined) settings['schedule'] = schedule;
    }
    await writeFile(pipeline.settingsFile, stringify(yaml));
  }

  async function apply(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await pipeline.command('schedule', 'apply', ...words);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  }

  async function described(source: string): Promise<ScheduleDescription> {
    return pipeline.client.schedule.getHandle(`ingest-${source}`).describe();
  }

  async function isThere(source: string): Promise<boolean> {
    return described(source).then(
      () => true,
      (error: unknown) => {
        assert.ok(error instanceof ScheduleNotFoundError);
        return false;
      },
    );
  }

  test('a dry run shows new schedules, and creates nothing', async () => {
    await write({ [FIRST]: NEVER });
    const shown = await apply('--dry-run');
    assert.ok(shown.startsWith(`create ingest-${FIRST}\n  + cron      0 0 29 2 *\n`), shown);
    assert.match(shown, /^dry run; it would be: 1 created$/m);
    assert.equal(await isThere(FIRST), false);
  });

  test('new schedules are created; the second time nothing changes', async () => {
    assert.match(await apply(), /^1 created$/m);
    const made = await described(FIRST);
    assert.equal(made.policies.overlap, 'BUFFER_ALL');
    assert.match(await apply(), /^leave ingest-first.*\n {2}= cron [^]*^1 unchanged$/m);
    assert.deepEqual((await described(FIRST)).info.lastUpdatedAt, made.info.lastUpdatedAt);
  });

  test('changes of the file are shown as from → to and applied; a pause stays unless the file sets paused', async () => {
    await pipeline.command('schedule', 'pause', FIRST, '--note', 'the customer moves servers');
    await write({ [FIRST]: { every: '10000d', interval: '1h', catchUp: '2h' }, [SECOND]: NEVER });
    const shown = await apply();
    for (const line of ['- cron', '+ every     10000d', '~ interval  1d → 1h', '~ catchUp   3d → 2h'])
      assert.ok(shown.includes(`\n  ${line}`), shown);
    assert.match(shown, /= paused {4}true\n {2}= note {6}the customer moves servers\n {2}it stays paused/);
    assert.match(shown, /^1 created, 1 changed$/m);
    const { spec, state, policies } = await described(FIRST);
    assert.deepEqual(
      spec.intervals?.map(({ every }) => every),
      [864_000_000_000],
    );
    assert.deepEqual([spec.calendars, state.paused, policies.catchupWindow], [[], true, 7_200_000]);
    await write({ [FIRST]: { every: '10000d', interval: '1h', paused: false }, [SECOND]: NEVER });
    assert.match(await apply(FIRST), /~ paused {4}true → false/);
    assert.equal((await described(FIRST)).state.paused, false);
  });

  test('changes made elsewhere are reverted', async () => {
    await pipeline.client.schedule.getHandle(`ingest-${SECOND}`).update((known) => ({
      ...known,
      spec: { ...known.spec, jitter: '30s' },
      policies: { ...known.policies, overlap: 'ALLOW_ALL' },
    }));
    const shown = await apply(SECOND);
    assert.match(shown, /~ overlap +ALLOW_ALL → BUFFER_ALL\n {2}- jitter +30s\n/);
    assert.equal((await described(SECOND)).policies.overlap, 'BUFFER_ALL');
  });

  test('the error for an invalid cron expression names the file, the source and the key, and nothing is changed', async () => {
    await write({ [FIRST]: { every: '20000d' }, [SECOND]: { ...NEVER, cron: '99 * * * *' } });
    for (const more of [[], ['--dry-run']]) {
      const { code, stdout, stderr } = await pipeline.command('schedule', 'apply', ...more);
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.ok(stderr.startsWith(`SETTINGS_INVALID: ${pipeline.settingsFile} is not valid:\n`), stderr);
      assert.ok(
        stderr.includes(`  sources.${SECOND}.schedule.cron: "99 * * * *": Temporal rejects the schedule`),
        stderr,
      );
    }
    assert.equal((await described(FIRST)).spec.intervals?.[0]?.every, 864_000_000_000);
  });

  test('a schedule that is no longer in the settings is listed, and deleted with --prune; that of another pipeline is not', async () => {
    const { code, stderr } = await other.command('schedule', 'apply');
    assert.equal(code, 0, stderr);
    await write({ [SECOND]: NEVER });
    assert.match(await apply(), /^keep ingest-first.*--prune deletes it\n {2}- every +10000d\n/m);
    assert.equal(await isThere(FIRST), true);
    assert.match(await apply('--prune', '--dry-run'), /^delete ingest-first/m);
    assert.equal(await isThere(FIRST), true);
    const foreign = async (): Promise<boolean> => {
      for await (const { scheduleId } of pipeline.client.schedule.list())
        if (scheduleId === `ingest-${FOREIGN}`) return true;
      return false;
    };
    await eventually('Temporal lists the other pipeline’s', foreign);
    assert.match(await apply('--prune'), /^deleted ingest-first[^]*^1 deleted, 1 unchanged$/m);
    assert.equal(await isThere(FIRST), false);
    assert.equal(await isThere(FOREIGN), true);
  });

  test('--json has each field; a source without a schedule is reported', async () => {
    const answer = JSON.parse(await apply('--json', '--dry-run')) as {
      schedules: { source: string; action: string; fields: object[] }[];
    };
    assert.deepEqual(
      answer.schedules.map(({ source, action }) => [source, action]),
      [[SECOND, 'leave']],
    );
    assert.deepEqual(answer.schedules[0]?.fields[0], {
      field: 'cron',
      change: '=',
      from: '0 0 29 2 *',
      to: '0 0 29 2 *',
    });
    const none = await pipeline.command('schedule', 'apply', FIRST);
    assert.equal(none.code, 1);
    assert.match(
      none.stderr,
      /^SCHEDULE_UNKNOWN: source first.* has no schedule, neither in .*pipeline\.yaml/,
    );
    const unknown = await pipeline.command('schedule', 'apply', 'nobody');
    assert.match(unknown.stderr, /^SOURCE_UNKNOWN: /);
  });
});
