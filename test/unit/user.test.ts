import assert from 'node:assert/strict';
import test from 'node:test';
import { ATTEMPT } from '../support/attempt-contract.ts';
import { userOf } from '../../records/user.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { Random } from '../../simulator/random.ts';
import { renderAtRandom } from '../support/random-rendering.ts';

/** The user by JavaScript's own parser; undefined if the text is not JSON. */
function parsedUser(text: string): string | null | undefined {
  try {
    const { user_exam_id: user } = JSON.parse(text.replace(/^\ufeff/, '')) as Record<string, unknown>;
    return typeof user === 'string' && user !== '' ? user : null;
  } catch {
    return undefined;
  }
}

test('the user of a record is what JavaScript’s own JSON has, in every rendering', () => {
  const random = new Random(7);
  let users = 0;
  for (const attempt of generateAttempts({ count: 20, seed: 7 }))
    for (let at = 0; at < 100; at += 1) {
      const text = renderAtRandom(attempt, ATTEMPT, random);
      const expected = parsedUser(text);
      if (typeof expected === 'string') users += 1;
      assert.equal(userOf(Buffer.from(text)), expected, text);
    }
  assert.ok(users > 1000, `${users} users`);
});

test('the user is found after values of each kind, and nowhere but in the record itself', () => {
  for (const [record, user] of [
    ['{"a":1,"b":-1.5e3,"c":true,"d":null,"user_exam_id":"u"}', 'u'],
    ['{"a":[1,{"user_exam_id":"inner"},[]],"user_exam_id":"u"}', 'u'],
    ['{"a":{"user_exam_id":"inner"}}', null],
    ['{"a":{"b":{},"user_exam_id":"inner"},"user_exam_id":"u"}', 'u'],
    ['{"a":{"b":"}","user_exam_id":"inner"},"user_exam_id":"u"}', 'u'],
    ['{"a":"}],{[\\"","user_exam_id":"u"}', 'u'],
    [`{"a":"${'x'.repeat(2000)}","b":[${'7,'.repeat(5000)}7],"user_exam_id":"u"}`, 'u'],
    [`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)},"user_exam_id":"u"}`, 'u'],
    ['{"a":"user_exam_id","user_exam_id":"u"}', 'u'],
    ['{"user_exam_id":"\\u0075\\n"}', 'u\n'],
    ['{"\\u0075ser_exam_id":"u"}', 'u'],
    ['{"user_exam_id":""}', null],
    ['{"user_exam_id":7}', null],
    ['{"user_exam_id":{"id":"u"}}', null],
    ['["user_exam_id","u"]', null],
    ['{"a":1', null],
    ['{"a":,"user_exam_id":"u"}', null],
    ['', null],
  ] as const)
    assert.equal(userOf(Buffer.from(record)), user, record.slice(0, 80));
});
