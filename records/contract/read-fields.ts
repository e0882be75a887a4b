import { joinPath } from '../field-paths.ts';
import type { FieldDefinition, LevelDefinition, ListDefinition } from './definition.ts';
import type { Element } from './element.ts';
import { COMMON_COLUMNS, snakeCase, UniqueNames, VIEW_SUFFIX } from './names.ts';
import { readOptions, readScalarType } from './scalar-types.ts';

/** Names that paths hold as they are. */
const FIELD_NAME = /^[\w-]{1,100}$/;

const MAX_DEPTH = 20;

/** A field that the contract marks: by `person`, or by `primaryKey`. */
export interface MarkedField {
  readonly path: string;
  readonly element: Element;
  /** Whether it is a required text of the record itself. */
  readonly isRequiredText: boolean;
  /** The position among the fields of the primary key. */
  readonly position: number;
}

/** The surroundings of a field. */
interface Place {
  /** The path of the enclosing object, as `sequences.questions[]`. */
  readonly path: string;
  /** The names from the row to the enclosing object, joined with the field's to name its column. */
  readonly names: readonly string[];
  /** The columns of the row's table. */
  readonly columns: UniqueNames;
  /** The columns with the positions in the enclosing lists. */
  readonly positions: readonly string[];
  readonly depth: number;
}

/** Reads the fields of a contract, with the tables and columns that they become. */
export class FieldReader {
  readonly persons: MarkedField[] = [];
  readonly keys: MarkedField[] = [];
  readonly #tables: UniqueNames;

  /** @param reserved The tables that are in use. */
  constructor(reserved: readonly string[]) {
    this.#tables = new UniqueNames('table', reserved);
  }

  /** Reads a record, or an item of a list. */
  level(
    element: Element,
    own: Omit<LevelDefinition, 'fields'>,
    { path, positions, depth }: Pick<Place, 'path' | 'positions' | 'depth'>,
  ): LevelDefinition {
    const what = path === '' ? 'the record' : path;
    this.#tables.add(own.table, what, element);
    if (own.table.endsWith(VIEW_SUFFIX))
      element.refuse(`the table ${own.table} would be called like a view: its name must not end so`);
    const columns = new UniqueNames('column', COMMON_COLUMNS);
    for (const position of positions) columns.add(position, `the position in ${what}`, element);
    const fields = this.#fields(element, { path, names: [], columns, positions, depth });
    return { ...own, fields };
  }

  #fields(element: Element, place: Place): FieldDefinition[] {
    const properties = element.elements('properties', 'property');
    if (properties.length === 0) element.refuse('has no properties');
    const fields = new Map<string, FieldDefinition>();
    for (const property of properties) {
      const name = property.requireText('name');
      const path = joinPath(place.path, name);
      if (!FIELD_NAME.test(name)) {
        if (name !== '') property.refuse('has other characters than letters, digits, _ and -', 'name');
      } else if (fields.has(name)) property.refuse(`${path} is there twice`, 'name');
      else if (place.depth >= MAX_DEPTH) property.refuse(`is nested more than ${MAX_DEPTH} levels deep`);
      else {
        const field = this.#field(property, name, { ...place, path, depth: place.depth + 1 });
        if (field !== undefined) fields.set(name, field);
      }
    }
    return [...fields.values()];
  }

  #field(property: Element, name: string, place: Place): FieldDefinition | undefined {
    const required = property.flag('required');
    const logicalType = property.requireText('logicalType');
    if (logicalType === 'object') {
      this.#refuseKeysOf(property, ['items', 'physicalName', 'primaryKey']);
      property.customProperties([]);
      readOptions(property, logicalType);
      const fields = this.#fields(property, { ...place, names: [...place.names, name] });
      return { kind: 'object', name, required, fields };
    }
    this.#refuseKeysOf(property, ['properties']);
    if (logicalType === 'array') return this.#list(property, { name, required }, place);
    this.#refuseKeysOf(property, ['items']);
    return this.#scalar(property, logicalType, { name, required }, place);
  }

  #list(
    property: Element,
    { name, required }: { readonly name: string; readonly required: boolean },
    place: Place,
  ): ListDefinition | undefined {
    this.#refuseKeysOf(property, ['primaryKey']);
    readOptions(property, 'array');
    const count = property.customProperties(['countColumn']).get('countColumn');
    const countColumn = count?.requireText('value') ?? null;
    if (countColumn !== null)
      place.columns.add(countColumn, `the number of ${place.path}`, count ?? property);
    const items = property.element('items', 'items');
    if (items === undefined) {
      property.refuse('is an array without items');
      return undefined;
    }
    if (items.requireText('logicalType') !== 'object') {
      items.refuse('is not supported: the items of an array are objects', 'logicalType');
      return undefined;
    }
    items.customProperties([]);
    readOptions(items, 'object');
    const table = property.text('physicalName') ?? snakeCase([...place.names, name].join('_'));
    const noun = snakeCase(items.text('businessName') ?? table);
    const level = this.level(
      items,
      { table, row: items.requireText('description'), noun },
      { path: `${place.path}[]`, positions: [...place.positions, `${noun}_position`], depth: place.depth },
    );
    return { kind: 'list', name, required, items: level, countColumn };
  }

  #scalar(
    property: Element,
    logicalType: string,
    { name, required }: { readonly name: string; readonly required: boolean },
    { path, names, columns, depth }: Place,
  ): FieldDefinition | undefined {
    const custom = property.customProperties(['person', 'encoding']);
    const type = readScalarType(property, logicalType, custom.get('encoding'));
    const column = property.text('physicalName') ?? snakeCase([...names, name].join('_'));
    columns.add(column, path, property);
    const isRequiredText = type === 'text' && required && depth === 1;
    const position = property.integer('primaryKeyPosition') ?? -1;
    const marked = { path, element: property, isRequiredText, position };
    if (custom.get('person')?.flag('value') === true) this.persons.push(marked);
    if (property.flag('primaryKey')) this.keys.push(marked);
    if (type === undefined) return undefined;
    return { kind: 'scalar', name, required, type, column, meaning: property.text('description') ?? null };
  }

  #refuseKeysOf(property: Element, keys: readonly string[]): void {
    for (const key of keys)
      if (property.has(key)) property.refuse('has no meaning for this logicalType', key);
  }
}
