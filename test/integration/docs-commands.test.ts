import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { after, before, describe } from 'node:test';
import { withAdmin } from '../../adapters/kafka/client.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { ELSEWHERE } from '../support/commands-elsewhere.ts';
import { commandsOf, pagesOfDocs } from '../support/docs-commands.ts';
import { ROOT, TestPipeline, eventually, queryStatus } from '../support/harness.ts';

/** The expected exit code and output of a command. */
interface Ending {
  /** Replacements for placeholders, such as words in capitals. */
  readonly as?: Readonly<Record<string, string>>;
  readonly exit?: number;
  readonly says?: RegExp;
}

/** Named on the pages, so it cannot be a topic unique to this test. */
const TOPIC = 'attempts-pearson';

const PEARSON = { SOURCE: 'pearson' };
const ACME = { acme: 'pearson' };
const VERIFIED = /^verified: \d+ offsets = \d+ deliveries \+ 1 quarantined \+ \d+ gaps/m;

const NO_ERASURE_KEY = { exit: 2, says: /^ERASURE_KEY_MISSING: erasure\.keyVariable/m };

/** The commands that are run here, in this order. RUN is a run that waits for a decision. */
const COMMANDS: Readonly<Record<string, Ending>> = {
  'npx pipeline': { exit: 2, says: /Usage: pipeline/ },
  'npx pipeline --help': { says: /Exit codes:/ },
  'npx pipeline COMMAND --help': { as: { COMMAND: 'list' }, says: /Examples:/ },
  // One source is refused, so that its run waits.
  'npx pipeline doctor': { exit: 1, says: /✔ source pearson: [^]*✖ source refused: SOURCE_REFUSED/ },
  'npx pipeline preview SOURCE': { as: PEARSON, says: /records would land, 1 would be quarantined/ },
  'npx pipeline preview pearson': {
    says: /^source pearson: a JSON array; all of it was read: 40 records/,
  },
  'npx pipeline preview attempts.json': {
    as: { 'attempts.json': '"$(dirname "$PIPELINE_CONFIG")/attempts.json"' },
    says: /^39 records would land, 1 would be quarantined/m,
  },
  'npx pipeline preview acme': { as: ACME, says: /^attempts: 39 rows$/m },
  'npx pipeline start SOURCE --follow': { as: PEARSON, says: /pearson landed\n[^]*│ land / },
  'npx pipeline start pearson --follow': { says: /pearson is unchanged/ },
  'npx pipeline start acme --follow': { as: ACME, says: /pearson is unchanged/ },
  'npx pipeline start SOURCE': { as: PEARSON, says: /^started ingest-pearson-/ },
  'npx pipeline start': { exit: 2, says: /missing required argument 'source'/ },
  'npx pipeline list': { says: /│ run / },
  'npx pipeline status RUN': { says: /waits for a person at fetch[^]*pipeline retry/ },
  'npx pipeline list --state waiting': { says: /│ waiting / },
  'npx pipeline status [RUN]': { as: { '[RUN]': '' }, says: /│ waiting / },
  'npx pipeline skip RUN': { exit: 1, says: /^RUN_REFUSED: / },
  'npx pipeline retry RUN': { says: /: retry$/m },
  'npx pipeline abort RUN': { says: /: abort$/m },
  'npx pipeline list --state failed': { says: /│ run |^no runs$/m },
  'npx pipeline answers': { says: /How many exams were taken/ },
  // The folder of the test's pipeline, which is removed with it.
  'npx pipeline report': {
    as: { report: 'report --output $XDG_CACHE_HOME/report.html' },
    says: /report\.html \(\d/,
  },
  'npx pipeline report --source pearson --time-zone Europe/Berlin --output pearson.html': {
    as: { 'pearson.html': '$XDG_CACHE_HOME/pearson.html' },
    says: /pearson\.html \(\d/,
  },
  'npx pipeline report --json': { says: /"hardest_exams"/ },
  'npx pipeline query SQL': { as: { SQL: '"SELECT count(*) AS n FROM attempts"' }, says: /│ +n │/ },
  'npx pipeline query': { exit: 2, says: /missing required argument 'sql'/ },
  [`npx pipeline query "SELECT exam_name, count(*) AS attempts, avg(correct / total) AS score FROM attempts_deduplicated GROUP BY ALL ORDER BY attempts DESC LIMIT 5"`]:
    { says: /│ exam_name +│ attempts │ +score │[^]*5 rows in / },
  [`npx pipeline query "SELECT question_id, count(*) AS asked, avg((user_result = 'unanswered')::INT) AS unanswered FROM questions_deduplicated GROUP BY ALL HAVING asked >= 20 ORDER BY unanswered DESC LIMIT 5"`]:
    { says: /│ question_id │ asked │ unanswered │/ },
  [`npx pipeline query "SELECT payload->>'exam_name' AS exam, count(*) AS n FROM deliveries GROUP BY ALL ORDER BY n DESC LIMIT 3"`]:
    { says: /│ exam +│ n │[^]*3 rows in / },
  'npx pipeline tables': { says: /│ deliveries / },
  'npx pipeline tables [NAME]': { as: { '[NAME]': 'options' }, says: /│ checked / },
  'npx pipeline tables attempts': { says: /│ keen_id / },
  'npx pipeline tables NAME': { as: { NAME: 'attempts' }, says: /│ keen_id / },
  'npx pipeline history TABLE': { as: { TABLE: 'attempts' }, says: /│ WRITE +│ assessment-pipeline │/ },
  'npx pipeline history attempts': { says: /│ CREATE TABLE │/ },
  'npx pipeline query --as-of 2026-01-31T12:00:00Z "SELECT count(*) FROM attempts"': {
    as: { '2026-01-31': '2999-01-31' },
    says: /^Read attempts at version \d+\.$/m,
  },
  'npx pipeline verify': { says: VERIFIED },
  'npx pipeline verify --since last': { says: /^these were added since /m },
  'npx pipeline maintain --dry-run': { says: /^attempts\n {2}nothing to do$/m },
  'npx pipeline maintain --follow': { says: /│ attempts +│ +0 │/ },
  'npx pipeline maintain [TABLE…]': { as: { ' [TABLE…]': '' }, says: /^started maintain-/m },
  'npm run pipeline -- maintain --dry-run': { says: /^attempts\n {2}nothing to do$/m },
  'npm run pipeline -- maintain --follow': { says: /│ attempts +│ +0 │/ },
  'npm run pipeline -- maintain attempts options --follow': { says: /│ options +│ +0 │/ },
  // integration/erase runs them with a key.
  'npx pipeline erase SOURCE --person-file FILE': { as: { SOURCE: 'pearson' }, ...NO_ERASURE_KEY },
  'npx pipeline erase pearson --person-file persons.txt --dry-run': NO_ERASURE_KEY,
  'npx pipeline erase pearson --person-file persons.txt --requested-by "the school" --reason "ticket 12" --follow':
    NO_ERASURE_KEY,
  'npx pipeline erase pearson --person-file persons.txt --check': NO_ERASURE_KEY,
  'npx pipeline erase pearson --person-file persons.txt --delete-records --dry-run': NO_ERASURE_KEY,
  'npx pipeline rebuild TABLE…': { as: { 'TABLE…': 'options' }, says: /^started rebuild-/m },
  'npx pipeline rebuild attempts --dry-run': { says: /^ {2}read \d+ files? of deliveries/m },
  'npx pipeline rebuild attempts questions options --follow': { says: /│ options +│ +\d/ },
  'npx pipeline restore TABLE --to VERSION': {
    as: { TABLE: 'attempts', VERSION: '2999-01-31T12:00:00Z' },
    says: /^attempts is as it was at version \d+: nothing to do$/m,
  },
  'npx pipeline restore attempts --to 17': { as: { 17: '2999-01-31' }, says: /: nothing to do$/m },
  'npx pipeline quarantine …': { as: { '…': '' }, exit: 2, says: /Usage: pipeline quarantine/ },
  'npx pipeline quarantine list': { says: /attempts-pearson\/0\/17/ },
  'npx pipeline quarantine show attempts-pearson/0/17': { says: /max_attempts/ },
  'npx pipeline quarantine list --source pearson --reason max_attempts --not-replayed': {
    says: /attempts-pearson\/0\/17/,
  },
  'npx pipeline quarantine replay --all --source pearson --reason max_attempts --dry-run': {
    says: /attempts-pearson\/0\/17/,
  },
  'npx pipeline quarantine replay --all --source pearson --reason max_attempts': {
    says: /attempts-pearson\/0\/17|1 /,
  },
  'npx pipeline completion SHELL': { as: { SHELL: 'bash' }, says: /^complete -F _pipeline pipeline$/m },
  'npx pipeline schedule …': { as: { '…': '' }, exit: 2, says: /Usage: pipeline schedule/ },
  'npx pipeline schedule list': {},
  'npx pipeline schedule apply': { says: /^there are no schedules, neither in / },
  'npx pipeline schedule': { exit: 2, says: /Usage: pipeline schedule/ },
  'npm run pipeline': { exit: 2, says: /Usage: pipeline/ },
  'npm run services': { exit: 1, says: /Usage: services/ },
};

/** The commands of the page of schedules, with a source that has intervals; in this order. */
const SCHEDULES: Readonly<Record<string, Ending>> = {
  'npm run pipeline -- schedule apply --dry-run': { says: /^dry run; it would be: 1 (created|changed)$/m },
  'npm run pipeline -- schedule apply': { says: /^1 (created|changed)$/m },
  'npm run pipeline -- schedule set pearson --every 15m': { says: /each run ingests the 15m/ },
  'npm run pipeline -- schedule set pearson --cron "0 3 * * *" --timezone Europe/Berlin --interval 25h': {
    says: /^changed ingest-pearson\npearson: cron 0 3 \* \* \* \(Europe\/Berlin\)/m,
  },
  'npm run pipeline -- schedule list': { says: /│ pearson +│ cron 0 3/ },
  'npm run pipeline -- schedule show pearson': { says: /overlap BUFFER_ALL/ },
  'npm run pipeline -- schedule pause pearson --note "the customer moves servers"': { says: /^paused /m },
  'npm run pipeline -- schedule resume pearson': { says: /^resumed /m },
  'npm run pipeline -- schedule trigger pearson': { says: /^started ingest-pearson/m },
  'npm run pipeline -- schedule backfill pearson --from 2026-01-01 --to 2026-01-04': {
    says: /^pearson: \d+ intervals: \d+ had run before, \d+ ran now, 0 failed$/m,
  },
  'npm run pipeline -- schedule delete pearson': { says: /^deleted ingest-pearson$/m },
};

const found = new Set([...pagesOfDocs().values()].flatMap((page) => [...commandsOf(page)]));
const isDocker = (command: string): boolean => command.startsWith('docker compose ');
/** Benchmarks take minutes on an idle machine; test/unit/bench.test.ts tests their arithmetic. */
const isBench = (command: string): boolean => /^npm run bench( -- .*)?$/.test(command);
/** The command that runs this test. */
const isTests = (command: string): boolean => /^npm test( -- \S+)?$/.test(command);

test('every command in the docs is listed here, and no other', () => {
  const known = [...Object.keys(COMMANDS), ...Object.keys(SCHEDULES), ...Object.keys(ELSEWHERE)];
  assert.deepEqual(
    [...found].filter((command) => !isDocker(command) && !isBench(command) && !isTests(command)).sort(),
    known.sort(),
  );
  for (const { by } of Object.values(ELSEWHERE)) assert.ok(existsSync(join(ROOT, by)), by);
});

describe('the commands in the docs', () => {
  let platform: Platform;
  let pipeline: TestPipeline;
  let byInterval: TestPipeline;
  let run = '';

  before(async () => {
    platform = await startPlatform({ port: 0 });
    const kafka = { brokers: [process.env['PIPELINE_TEST_KAFKA'] ?? '127.0.0.1:9092'], partitions: 1 };
    const sources = {
      pearson: { url: 'file:attempts.json', topic: TOPIC },
      refused: { url: `${platform.url}/attempts?fault=status&status=403` },
    };
    pipeline = await TestPipeline.create(sources, { kafka });
    await withAdmin(pipeline.kafka, async (admin) => {
      const topics = await admin.listTopics();
      if (topics.includes(TOPIC)) await admin.deleteTopics({ topics: [TOPIC] });
    });
    // docs/quarantine.md shows the message at offset 17. A new seed each time, since a known content is not published again.
    const records = [...generateAttempts({ seed: Date.now(), count: 40 })].map((attempt, at) =>
      at === 17 ? { ...attempt, max_attempts: 'many' } : attempt,
    );
    await pipeline.placeFiles({ 'attempts.json': JSON.stringify(records) });
    await pipeline.startWorker();
    byInterval = await TestPipeline.create({
      pearson: { url: `${platform.url}/attempts?from={from}&to={to}`, schedule: { every: '15m' } },
    });
    await byInterval.startWorker();
    const handle = await pipeline.start({ source: 'refused' });
    await eventually('the run waits', async () => (await queryStatus(handle)).state === 'waiting');
    run = handle.workflowId;
  });

  after(async () => {
    await byInterval.close();
    await pipeline.close();
    await platform.close();
  });

  /** Runs a command line in the project's folder. */
  async function type(line: string, of: TestPipeline): Promise<{ code: number; output: string }> {
    const child = spawn('bash', ['-c', line], {
      cwd: ROOT,
      env: {
        ...process.env,
        PIPELINE_CONFIG: of.settingsFile,
        XDG_CACHE_HOME: join(of.folder, 'cache'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const outputs = Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = (await once(child, 'close')) as [number];
    return { code, output: (await outputs).join('') };
  }

  function tryAll(commands: Readonly<Record<string, Ending>>, of: () => TestPipeline): void {
    for (const [command, { as = {}, exit = 0, says = /./ }] of Object.entries(commands)) {
      test(command, async () => {
        let line = command;
        for (const [word, typed] of Object.entries(as)) line = line.replace(word, typed);
        if (line.endsWith(' RUN')) {
          const handle = of().client.workflow.getHandle(run);
          await eventually('it waits', async () => (await queryStatus(handle)).state === 'waiting');
          line = line.replace(/ RUN$/, ` ${run}`);
        }
        const { code, output } = await type(line, of());
        assert.equal(code, exit, output);
        assert.match(output, says);
      });
    }
  }

  tryAll(COMMANDS, () => pipeline);
  tryAll(SCHEDULES, () => byInterval);
});
