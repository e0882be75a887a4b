/** A JSON value with its source text. */
export interface SourceValue {
  /** Without spaces around it. */
  readonly source: string;
  /** The value of a string, a boolean or null; undefined for numbers and containers. */
  readonly value?: string | boolean | null;
  readonly items?: readonly SourceValue[];
  /** In the order of the text, duplicates included. */
  readonly members?: readonly (readonly [name: string, value: SourceValue])[];
}

/** Reads a valid JSON text, which must not be nested deeply; shares no code with the check or the scan. */
export function readSource(text: string): SourceValue {
  return new SourceReader(text).read();
}

class SourceReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): SourceValue {
    this.#skip(/\s*/y);
    const from = this.#at;
    const first = this.#text[from];
    if (first === '{') return this.#container(from, '}', 'members');
    if (first === '[') return this.#container(from, ']', 'items');
    const source = this.#skip(first === '"' ? /"(?:[^"\\]|\\.)*"/y : /[^\s,\]}]+/y);
    const isNumber = /^[-\d]/.test(source);
    return isNumber ? { source } : { source, value: JSON.parse(source) as string | boolean | null };
  }

  #container(from: number, end: string, kind: 'members' | 'items'): SourceValue {
    const members: [string, SourceValue][] = [];
    this.#at += 1;
    for (this.#skip(/\s*/y); this.#text[this.#at] !== end; this.#skip(/\s*,?\s*/y)) {
      const name = kind === 'members' ? String(this.read().value) : '';
      if (kind === 'members') this.#skip(/\s*:/y);
      members.push([name, this.read()]);
    }
    this.#at += 1;
    const source = this.#text.slice(from, this.#at);
    return kind === 'members' ? { source, members } : { source, items: members.map(([, item]) => item) };
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found = ''] = pattern.exec(this.#text) ?? [];
    this.#at += found.length;
    return found;
  }
}
