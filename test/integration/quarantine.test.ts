import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { parse, stringify } from 'yaml';
import { ROOT, TestPipeline } from '../support/harness.ts';
import { QuarantinedTopic, badAttempts, goodAttempts } from '../support/quarantined.ts';

/** Turns a terminal's text red, sets its title, and goes back in the line; then NUL, a half character, a C1 control, and turned writing. */
const HOSTILE = Buffer.concat([
  Buffer.from('{"a": "\u001b[31mred\u001b]0;title\u0007\r\b\t\u0000'),
  Buffer.from([0xff, 0xc3, 0x28]),
  Buffer.from('\u009b2J \u202egnp.exe ä 🙂"}\nsecond line'),
]);

/** Text that is safe for a terminal: printable characters and line breaks. */
const SAFE = /^[^\p{C}\p{Zl}\p{Zp}]*$/u;

function requireSafe(shown: string): void {
  for (const line of shown.split('\n')) assert.match(line, SAFE);
}

describe('quarantine', () => {
  let pipeline: TestPipeline;
  let topic: QuarantinedTopic;

  before(async () => {
    pipeline = await TestPipeline.create(
      { other: {}, feed: { url: 'file:feed' } },
      { limits: { recordBytes: 20_000 } },
    );
    topic = new QuarantinedTopic(pipeline);
    await topic.make();
    await pipeline.startWorker();
    const [bad] = badAttempts(1, 1);
    await topic.publish(
      ...goodAttempts(1, 3).map((attempt) => ({ value: Buffer.from(JSON.stringify(attempt)) })),
      {
        key: Buffer.from([0x75, 0xff]),
        value: Buffer.from(JSON.stringify(bad)),
        headers: { trace: ['one', 'two\u001b[0m'] },
      },
      { value: HOSTILE, headers: { '\u001b[5mname': Buffer.from([0xff]) } },
      { key: Buffer.from('gone'), value: null },
    );
    const result = await topic.run();
    assert.equal(result.rows['quarantine'], 3);
  });

  after(() => pipeline.close());

  test('is listed, the newest first, with counts of the reasons', async () => {
    const { rows, summary } = await topic.list();
    assert.deepEqual(
      rows.map(({ reference, step, path, size }) => [reference, step, path, size]),
      [
        [`${topic.topic}/0/5`, 'transform', '', 0],
        [`${topic.topic}/0/4`, 'transform', '', HOSTILE.length],
        [`${topic.topic}/0/3`, 'transform', 'max_attempts', JSON.stringify(badAttempts(1, 1)[0]).length],
      ],
    );
    assert.equal(summary.count, 3);
    assert.deepEqual(
      summary.reasons.map(({ reason, count }) => [reason, count]),
      [
        ['is not UTF-8', 1],
        ['the message has no value', 1],
        ['must be a whole number of 32 bits, is another text', 1],
      ],
    );
    const table = await topic.quarantine('list');
    assert.match(table, new RegExp(`${topic.topic}/0/3 .* max_attempts .* must be a whole number`));
    requireSafe(table);
  });

  test('is listed in part by options', async () => {
    const references = async (...words: string[]) =>
      (await topic.list(...words)).rows.map(({ reference }) => reference.split('/').at(-1));
    assert.deepEqual(await references('--reason', 'UTF-8'), ['4']);
    assert.deepEqual(await references('--reason', 'MAX_att'), ['3']);
    assert.deepEqual(await references('--limit', '1'), ['5']);
    assert.deepEqual(await references('--step', 'publish'), []);
    assert.deepEqual(await references('--source', 'feed'), []);
    assert.deepEqual(await references('--since', '2999-01-01'), []);
    assert.deepEqual(await references('--since', '2020-01-01T00:00:00Z'), ['5', '4', '3']);
    assert.deepEqual(await references('--not-replayed'), ['5', '4', '3']);
    assert.deepEqual(await references('--replayed'), []);
    assert.equal((await pipeline.command('quarantine', 'list', '--limit', '0')).code, 2);
  });

  test('shows a hostile payload as plain characters, and writes its bytes as they are', async () => {
    const reference = `${topic.topic}/0/4`;
    const shown = await topic.quarantine('show', reference);
    requireSafe(shown);
    assert.ok(
      shown.includes(
        String.raw`  {"a": "\x1b[31mred\x1b]0;title\x07\r\x08\t\x00\xff\xc3(\x9b2J \u{202e}gnp.exe ä 🙂"}`,
      ),
      shown,
    );
    assert.ok(shown.includes('\n  second line'));
    assert.ok(shown.includes(String.raw`header        \x1b[5mname: \xff`), shown);
    const json = await topic.quarantine('show', reference, '--json');
    requireSafe(json);
    const { payload_base64 } = JSON.parse(json) as { payload_base64: string };
    assert.deepEqual(Buffer.from(payload_base64, 'base64'), HOSTILE);
    const file = join(pipeline.folder, 'payload');
    await topic.quarantine('show', reference, '--output', file);
    assert.deepEqual(await readFile(file), HOSTILE);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const raw = spawn(
      process.execPath,
      [join(ROOT, 'bin/pipeline.js'), 'quarantine', 'show', reference, '--raw'],
      {
        env: {
          ...process.env,
          PIPELINE_CONFIG: pipeline.settingsFile,
          XDG_CACHE_HOME: join(pipeline.folder, 'cache'),
        },
      },
    );
    const pieces: Buffer[] = [];
    raw.stdout.on('data', (piece: Buffer) => pieces.push(piece));
    await once(raw, 'close');
    assert.deepEqual(Buffer.concat(pieces), HOSTILE);
  });

  test('reports what is not in it', async () => {
    const unknown = await pipeline.command('quarantine', 'show', `${topic.topic}/0/1`);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /QUARANTINE_UNKNOWN: .*\/0\/1 is not in quarantine/);
    assert.match(
      (await pipeline.command('quarantine', 'replay', 'nonsense')).stderr,
      /QUARANTINE_UNKNOWN: "nonsense" is not a reference/,
    );
  });

  test('asks before it replays more than one message, and treats no answer as no', async () => {
    const { code, stderr } = await pipeline.command('quarantine', 'replay', '--all');
    assert.equal(code, 1);
    assert.match(stderr, /Replay 3\? \[y\/N\] .*nothing was replayed/s);
    assert.equal((await topic.messages()).length, 6);
    assert.equal((await pipeline.command('quarantine', 'replay')).code, 2);
    assert.equal((await pipeline.command('quarantine', 'replay', '--reason', 'x')).code, 2);
  });

  test('lists what it would replay', async () => {
    const shown = await topic.quarantine('replay', '--all', '--dry-run');
    assert.deepEqual(shown.match(/\/0\/\d+ would be replayed/g), [
      '/0/3 would be replayed',
      '/0/4 would be replayed',
      '/0/5 would be replayed',
    ]);
    assert.equal((await topic.messages()).length, 6);
  });

  test('publishes a message again with its key and headers, once however often it is requested', async () => {
    const reference = `${topic.topic}/0/3`;
    assert.match(await topic.quarantine('replay', reference), /is now .*\/0\/6$/m);
    assert.match(await topic.quarantine('replay', reference), /was replayed before, as .*\/0\/6$/m);
    const messages = await topic.messages();
    assert.equal(messages.length, 7);
    const [first, again] = [messages[3], messages[6]];
    assert.deepEqual(again, {
      ...first,
      offset: '6',
      headers: { trace: ['one', 'two\u001b[0m'], 'replay-of': [reference] },
    });
    assert.deepEqual(
      (await topic.list('--replayed')).rows.map((row) => row.replayed_as),
      [`${topic.topic}/0/6`],
    );
    assert.match(await topic.quarantine('show', reference), /replay +not landed yet, as .*\/0\/6/);
    await topic.verify();
  });

  test('quarantines a replayed message that is still bad, with its origin', async () => {
    const result = await topic.run();
    assert.equal(result.rows['quarantine'], 1);
    const { rows } = await topic.list('--not-replayed', '--reason', 'max_attempts');
    assert.deepEqual(
      rows.map(({ reference }) => reference),
      [`${topic.topic}/0/6`],
    );
    assert.match(await topic.quarantine('show', `${topic.topic}/0/6`), /header +replay-of: .*\/0\/3$/m);
    assert.match(await topic.quarantine('show', `${topic.topic}/0/3`), /replay +in quarantine again, as/);
    await topic.quarantine('replay', `${topic.topic}/0/6`);
    const { headers } = (await topic.messages()).at(-1) ?? {};
    assert.deepEqual(headers?.['replay-of'], [`${topic.topic}/0/3`, `${topic.topic}/0/6`]);
    await topic.run();
    const { replays } = await topic.verify();
    assert.deepEqual(replays, { marked: 2, landed: 0, quarantinedAgain: 2, ahead: 0 });
  });

  test('replays all messages that its options select, in the order of arrival', async () => {
    const answer = JSON.parse(
      await topic.quarantine('replay', '--all', '--reason', 'no value', '--json'),
    ) as {
      replayed: { reference: string; as: string }[];
    };
    assert.deepEqual(
      answer.replayed.map(({ reference }) => reference),
      [`${topic.topic}/0/5`],
    );
    const { key, value } = (await topic.messages()).at(-1) ?? {};
    assert.deepEqual([key, value], ['gone', null]);
    await topic.run();
    await topic.verify();
  });

  test('names the records that are too large to be replayed, and replays them under a larger limit', async () => {
    const [large] = goodAttempts(2, 1);
    const small = goodAttempts(3, 1);
    const padded = { ...large, exam_name: 'x'.repeat(30_000) };
    await pipeline.placeFiles({ feed: JSON.stringify([...small, padded]) });
    await topic.run('feed');
    const [row] = (await topic.list('--step', 'publish')).rows;
    assert.match(row?.reference ?? '', /^feed\/json-array-[0-9a-f]{64}\/0of1:1$/);
    const short = (row?.reference ?? '').replace(/-([0-9a-f]{8})[0-9a-f]{56}\//, '-$1/');
    const refused = await pipeline.command('quarantine', 'replay', short);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stdout,
      /^feed\/json-array-[0-9a-f]{12}\/0of1:1 cannot be replayed: it has \d+ bytes, more than the 20000 of limits\.recordBytes$/m,
    );
    const settings = parse(await readFile(pipeline.settingsFile, 'utf8')) as object;
    await writeFile(pipeline.settingsFile, stringify({ ...settings, limits: { recordBytes: 100_000 } }));
    await topic.quarantine('replay', short);
    const result = await topic.run('feed');
    assert.equal(result.rows['attempts'], 1);
    assert.match(await topic.quarantine('show', short), /replay +landed, as/);
    const { replays } = await topic.verify();
    assert.equal(replays?.landed, 1);
  });
});
