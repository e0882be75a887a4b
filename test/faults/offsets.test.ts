/** Fault 16: offsets that the topic no longer has, or that are another topic's. */
import assert from 'node:assert/strict';
import test, { afterEach, beforeEach } from 'node:test';
import { requireContent, requireExactly } from './content.ts';
import { OtherTopic, someAttempts } from './other-topic.ts';

let other: OtherTopic;
const LANDED = someAttempts(1, 40);

beforeEach(async () => {
  other = await OtherTopic.create();
  await other.pipeline.startWorker();
  await other.publish(LANDED);
  assert.equal((await other.run()).outcome, 'landed');
});

afterEach(() => other.pipeline.close());

test('16 retention deletes messages before they land: the run names the range, and lands nothing', async () => {
  await other.publish(someAttempts(2, 40));
  await other.deleteBefore(60);
  const { code, message } = await other.refusal();
  assert.equal(code, 'RANGE_GONE');
  assert.match(message, /\/0: the tables hold offsets up to 40, but the topic now begins at 60$/);
  await requireContent(other.pipeline, LANDED);
  const { code: exit, stdout } = await other.pipeline.command('verify');
  assert.equal(exit, 1);
  assert.match(stdout, /MESSAGE_LOST/);
});

test('16 retention deletes landed messages: the next messages land without an error', async () => {
  await other.deleteBefore(40);
  const more = someAttempts(3, 20);
  await other.publish(more);
  assert.equal((await other.run()).outcome, 'landed');
  await requireExactly(other.pipeline, [...LANDED, ...more]);
});

for (const [what, count] of [
  ['holds fewer messages than landed', 15],
  ['holds as many messages as landed', LANDED.length],
  ['has grown past what landed', LANDED.length + 15],
] as const) {
  test(`16 a topic that was deleted and recreated, and ${what}: the run reports it, and lands nothing`, async () => {
    await other.delete();
    await other.make();
    await other.publish(someAttempts(4, count));
    const { code, message } = await other.refusal();
    assert.equal(code, 'TOPIC_RESET');
    assert.match(message, / was deleted and .+: its id was \S{22}, and is now \S{22}$/);
    await requireContent(other.pipeline, LANDED);
    const { code: exit, stdout } = await other.pipeline.command('verify');
    assert.equal(exit, 1);
    assert.match(stdout, /^TOPIC_RESET: \S+: the tables hold messages of a topic of this name/m);
  });
}

test('16 a topic that was deleted after it landed, and that the run itself recreates, is reported too', async () => {
  await other.delete();
  assert.equal((await other.refusal()).code, 'TOPIC_RESET');
  await requireContent(other.pipeline, LANDED);
});
