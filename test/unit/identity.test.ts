import assert from 'node:assert/strict';
import test from 'node:test';
import { contentTransaction } from '../../steps/landing/transaction-ids.ts';
import { conditionOf, parseReference, shortReference } from '../../client/quarantine/reference.ts';
import { chunkId, chunkIds, parseChunkId } from '../../model/identity.ts';

const SHA = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const RUN = '0199e0b5-7c3a-7d51-8f6e-1b2c3d4e5f60';
const content = { format: 'ndjson', sha256: SHA };

test('a content’s identity includes how it is split, and the run that ingests it again', () => {
  const splits = [content, { ...content, format: 'json-array' }, { ...content, again: RUN }];
  const ids = splits.flatMap((one) => chunkIds('pearson', one, 2));
  assert.equal(new Set(ids).size, 6);
  assert.equal(ids[0], `pearson/ndjson-${SHA}/0of2`);
  const fences = splits.map((one) => contentTransaction('pearson', one).appId);
  assert.notEqual(fences[0], fences[1]);
  assert.equal(fences[0], fences[2], 'it is ingested, whichever run did it');
});

test('a chunk’s id is parsed as it was formatted, and nothing else is accepted', () => {
  for (const one of [content, { format: 'json-array', sha256: SHA, again: RUN }]) {
    const place = { source: 'p-1_a', content: one, index: 1, count: 12 };
    assert.deepEqual(parseChunkId(chunkId(place)), place);
  }
  for (const id of [
    '',
    `pearson/${SHA}/0`,
    `pearson/ndjson-${SHA}/2of2`,
    `pearson/ndjson-${SHA}/0of0`,
    `../ndjson-${SHA}/0of1`,
    `pearson/ndjson-${SHA}/0of1\n`,
    `pearson/ndjson-${SHA}-${RUN}x/0of1`,
  ])
    assert.equal(parseChunkId(id), undefined, id);
});

test('a refused record is named by its chunk, shortened or not', () => {
  for (const again of [undefined, RUN]) {
    const place = { source: 'pearson', content: { ...content, ...(again === undefined ? {} : { again }) } };
    const reference = `${chunkId({ ...place, index: 0, count: 3 })}:17`;
    const short = shortReference(reference);
    assert.equal(short, `pearson/ndjson-9f86d081884c${again === undefined ? '' : `-${again}`}/0of3:17`);
    assert.deepEqual(shortReference(short), short);
    const [, pattern = ''] =
      /regexp_full_match\(chunk, '(.*)'\)/.exec(conditionOf(parseReference(short))) ?? [];
    const matched = [content, { ...content, again: RUN }].filter((one) =>
      new RegExp(`^(?:${pattern})$`).test(chunkId({ source: 'pearson', content: one, index: 0, count: 3 })),
    );
    assert.deepEqual(matched, [place.content]);
  }
});
