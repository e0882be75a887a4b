import type { ContractIssue, KeyPath } from './contract-text.ts';
import type { CUSTOM_PROPERTIES } from './keys.ts';
import { KEY_RULES, VENDOR, type ElementKind } from './keys.ts';

/** A mapping of a contract's file. Keys that the pipeline does not know or refuses become issues, as do values of a wrong type. */
export class Element {
  readonly path: KeyPath;
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #issues: ContractIssue[];

  /** @param issues The list to which issues are added. */
  constructor(value: unknown, kind: ElementKind, path: KeyPath, issues: ContractIssue[]) {
    this.path = path;
    this.#issues = issues;
    const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
    this.#values = new Map(isMapping ? Object.entries(value) : []);
    if (!isMapping) this.refuse('must be a mapping of keys to values');
    for (const [key, given] of this.#values) {
      const rule = new Map(Object.entries(KEY_RULES[kind])).get(key);
      if (rule === undefined) this.refuse(`is not a key of a ${kind}: see docs/contracts.md`, key);
      else if (rule.treatment === 'refused' && rule.harmless?.includes(given) !== true)
        this.refuse(`is refused: ${rule.note}`, key);
    }
  }

  /** Adds an issue of this element, or of one of its keys. */
  refuse(what: string, key?: string): void {
    this.#issues.push({ path: key === undefined ? this.path : [...this.path, key], what });
  }

  /** Whether a key is there. */
  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** Returns the text of a key; undefined if it is left out or invalid. */
  text(key: string): string | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    if (typeof value === 'string' && value.trim() !== '') return value;
    this.refuse('must be a text', key);
    return undefined;
  }

  /** Returns the text of a key; an empty one, and an issue, if it is left out. */
  requireText(key: string): string {
    const text = this.text(key);
    if (text === undefined && !this.#values.has(key)) this.refuse(`lacks the key ${key}`);
    return text ?? '';
  }

  /** Returns the boolean of a key; false if it is left out. */
  flag(key: string): boolean {
    const value = this.#values.get(key) ?? false;
    if (typeof value !== 'boolean') this.refuse('must be true or false', key);
    return value === true;
  }

  /** Returns the whole number of a key; undefined if it is left out or invalid. */
  integer(key: string): number | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    if (Number.isSafeInteger(value)) return Number(value);
    this.refuse('must be a whole number', key);
    return undefined;
  }

  /** Returns the element of a key; undefined if it is left out. */
  element(key: string, kind: ElementKind): Element | undefined {
    const value = this.#values.get(key);
    return value === undefined ? undefined : new Element(value, kind, [...this.path, key], this.#issues);
  }

  /** Returns the elements of a key's list; none if it is left out. */
  elements(key: string, kind: ElementKind): Element[] {
    const value = this.#values.get(key);
    if (value === undefined) return [];
    if (Array.isArray(value))
      return value.map((item, index) => new Element(item, kind, [...this.path, key, index], this.#issues));
    this.refuse('must be a list', key);
    return [];
  }

  /**
   * Returns our custom properties by name, each an element with the key `value`. Those of other vendors are ignored.
   * @param allowed Those that this element may have.
   */
  customProperties(allowed: readonly (typeof CUSTOM_PROPERTIES)[number]['name'][]): Map<string, Element> {
    const found = new Map<string, Element>();
    for (const property of this.elements('customProperties', 'custom property')) {
      if ((property.text('vendor') ?? VENDOR) !== VENDOR) continue;
      const name = property.requireText('property');
      const isAllowed = allowed.some((one) => one === name);
      const others = allowed.length === 0 ? 'it can have none' : `it can have ${allowed.join(', ')}`;
      if (!isAllowed) property.refuse(`this element has no custom property ${name}: ${others}`, 'property');
      else if (found.has(name)) property.refuse('is there twice', 'property');
      found.set(name, property);
    }
    return found;
  }
}
