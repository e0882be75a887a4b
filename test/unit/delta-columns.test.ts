import assert from 'node:assert/strict';
import test from 'node:test';
import type { Metadata } from '../../adapters/delta/actions.ts';
import { addMissingColumns } from '../../adapters/delta/columns.ts';
import { PipelineError } from '../../model/errors.ts';

type Field = Readonly<Record<string, unknown>>;

function field(name: string, type = 'string', nullable = true): Field {
  return { name, type, nullable, metadata: { comment: `the ${name}` } };
}

function metadata(id: string, fields: readonly Field[], more: object = {}): Metadata {
  const schemaString = JSON.stringify({ type: 'struct', fields });
  return { id, schemaString, partitionColumns: ['source'], configuration: {}, ...more };
}

const EXISTING = metadata('existing', [field('a'), field('b', 'long'), field('source')], {
  name: 'attempts',
  configuration: { 'delta.checkpointInterval': '7' },
  createdTime: 5,
  unknownMember: { kept: true },
});

function refusalOf(required: readonly Field[], partitionColumns = ['source']): string {
  try {
    addMissingColumns('/w/t', EXISTING, metadata('required', required, { partitionColumns }));
  } catch (error) {
    if (error instanceof PipelineError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

test('a missing column is added at the end, and all else of the metadata is kept', () => {
  const required = metadata('required', [
    field('a'),
    field('new', 'double'),
    field('b', 'long'),
    field('source'),
  ]);
  const changed = addMissingColumns('/w/t', EXISTING, required);
  const fields = [field('a'), field('b', 'long'), field('source'), field('new', 'double')];
  assert.deepEqual(changed?.added, ['new']);
  assert.deepEqual(JSON.parse(changed.metadata.schemaString), { type: 'struct', fields });
  assert.deepEqual({ ...changed.metadata, schemaString: '' }, { ...EXISTING, schemaString: '' });
});

test('members of the schema and of its fields that another program wrote are kept', () => {
  const schema = { type: 'struct', fields: [{ ...field('a'), other: 1 }], other: 2 };
  const existing = { ...EXISTING, schemaString: JSON.stringify(schema) };
  const changed = addMissingColumns('/w/t', existing, metadata('required', [field('new')]));
  assert.deepEqual(JSON.parse(changed?.metadata.schemaString ?? ''), {
    ...schema,
    fields: [...schema.fields, field('new')],
  });
});

test('a table that has all columns, and more, is left as it is', () => {
  for (const required of [
    [field('a'), field('source')],
    [field('source'), field('b', 'long'), field('a')],
  ])
    assert.equal(addMissingColumns('/w/t', EXISTING, metadata('required', required)), undefined);
});

test('added columns are not missing a second time', () => {
  const required = metadata('required', [field('a'), field('new')]);
  const changed = addMissingColumns('/w/t', EXISTING, required);
  assert.ok(changed);
  assert.equal(addMissingColumns('/w/t', changed.metadata, required), undefined);
});

test('a column that differs in its type or in the case of its name is refused, also beside a missing one', () => {
  assert.equal(
    refusalOf([field('new'), field('b', 'integer')]),
    'TABLE_OTHER_COLUMNS: /w/t was created with other columns: it has the column b as "long", not as "integer"',
  );
  assert.equal(
    refusalOf([field('new'), field('A')]),
    'TABLE_OTHER_COLUMNS: /w/t was created with other columns: it has the column a, not A',
  );
});

test('a missing column that is not nullable is refused', () => {
  assert.equal(
    refusalOf([field('new', 'string', false)]),
    'TABLE_OTHER_COLUMNS: /w/t was created with other columns: it has no column new, which cannot be added since it is not nullable',
  );
});

test('other partition columns are refused, also if one of them is a missing column', () => {
  assert.match(
    refusalOf([field('a'), field('new')], ['source', 'new']),
    /^TABLE_OTHER_COLUMNS: .* it is partitioned by \["source"\], not by \["source","new"\]$/,
  );
});
