import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TextTest } from './text-rules.ts';

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: Imports) => { readonly exports: unknown };
};

/** The address of an object in the scanner's memory. */
export type Address = number;

/** The functions that the scanner calls, by the file that declares them. */
interface Imports {
  readonly numbers: {
    readonly printNumber: (from: Address, length: number, to: Address) => number;
  };
  readonly exact: { readonly toDouble: (from: Address, length: number) => number };
  readonly rules: { readonly isAccepted: (test: number, from: Address, length: number) => number };
}

/** The exports of `scanner/index.ts`; booleans are 0 or 1. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly reset: () => void;
  readonly addLevel: (room: number) => Address;
  readonly newColumn: (level: Address, bytes: number, hasTexts: number) => Address;
  readonly newShape: (most: number) => Address;
  readonly addField: (shape: Address, nameLength: number, isRequired: number, kind: number) => Address;
  readonly setScalar: (field: Address, column: Address) => void;
  readonly setObject: (field: Address, shape: Address) => void;
  readonly newItem: (isRequired: number, kind: number) => Address;
  readonly setList: (field: Address, lengths: Address, items: Address, item: Address) => void;
  readonly setMap: (field: Address, lengths: Address, items: Address, keys: Address, item: Address) => void;
  readonly setTextField: (shape: Address, field: Address) => void;
  readonly setDecimal: (field: Address, precision: number, scale: number) => void;
  readonly setStrict: (field: Address) => void;
  readonly setIntegerBounds: (field: Address, min: bigint, max: bigint) => void;
  readonly setDoubleBounds: (field: Address, min: number, max: number) => void;
  readonly setTest: (field: Address, test: number) => void;
  readonly setMatch: (nameLength: number) => void;
  readonly addKind: (level: Address, shape: Address) => number;
  readonly addKindText: (kind: number, length: number) => void;
  readonly setAttempts: (
    level: Address,
    shape: Address,
    source: Address,
    headers: Address,
    partition: Address,
    offset: Address,
    publishedAt: Address,
  ) => void;
  readonly reserveText: (length: number) => Address;
  readonly addText: (column: Address, length: number) => number;
  readonly parseAttempt: (
    length: number,
    source: number,
    headers: number,
    partition: number,
    offset: bigint,
    publishedMs: number,
  ) => number;
  readonly countRows: (level: Address) => number;
  readonly roomOf: (level: Address) => number;
  readonly parentsOf: (level: Address) => Address;
  readonly positionsOf: (level: Address) => Address;
  readonly countValues: (column: Address) => number;
  readonly valuesOf: (column: Address) => Address;
  readonly validOf: (column: Address) => Address;
  readonly countTexts: (column: Address) => number;
  readonly textBytesOf: (column: Address) => Address;
  readonly textStartsOf: (column: Address) => Address;
  readonly hasZeroCharacter: (column: Address) => number;
  readonly countNames: (shape: Address) => number;
  readonly nameBytesOf: (shape: Address) => Address;
  readonly nameStartsOf: (shape: Address) => Address;
  readonly unknownCountsOf: (shape: Address) => Address;
  readonly clearUnknown: (shape: Address) => void;
}

/** The exports of `bin/scanner-file.js`, which is not compiled with the programs. */
interface ScannerFile {
  readonly scannerFile: () => string;
  readonly isScanner: (name: string) => boolean;
}

/** An instance of the WebAssembly scanner with its own memory. */
export class Scanner {
  readonly exports: Exports;
  #bytes: Buffer;
  #tests: TextTest[] = [];

  constructor() {
    const numbers = { printNumber: this.#printNumber.bind(this) };
    const exact = { toDouble: (from: Address, length: number) => Number(this.#latin1(from, length)) };
    const rules = { isAccepted: this.#isAccepted.bind(this) };
    this.exports = new WebAssembly.Instance(MODULE, { numbers, exact, rules }).exports as Exports;
    this.#bytes = Buffer.from(this.memory);
  }

  /** Frees all memory and tests. */
  reset(): void {
    this.exports.reset();
    this.#tests = [];
  }

  /** Adds a test of strings; returns its number. */
  addTest(test: TextTest): number {
    return this.#tests.push(test) - 1;
  }

  /** Its memory; a new buffer after each growth. */
  get memory(): ArrayBuffer {
    return this.exports.memory.buffer;
  }

  /** Copies a text to the scanner's input buffer. */
  put(text: Uint8Array): void {
    const at = this.exports.reserveText(text.length);
    this.#currentBytes().set(text, at);
  }

  /** Writes the decimal that JavaScript prints for a JSON number; returns its length in bytes. */
  #printNumber(from: Address, length: number, to: Address): number {
    return this.#currentBytes().write(String(Number(this.#latin1(from, length))), to, 'latin1');
  }

  #latin1(from: Address, length: number): string {
    return this.#currentBytes().toString('latin1', from, from + length);
  }

  #isAccepted(test: number, from: Address, length: number): number {
    return Number(this.#tests[test]?.(this.#currentBytes().toString('utf8', from, from + length)) === true);
  }

  /** Returns a view of the memory, which is detached when the memory grows. */
  #currentBytes(): Buffer {
    if (this.#bytes.length === 0) this.#bytes = Buffer.from(this.memory);
    return this.#bytes;
  }
}

const MODULE = new WebAssembly.Module(readFileSync(await scannerPath()));

/**
 * Returns the path of the compiled scanner: beside this module if that is compiled too, else in the builds' folder.
 * @throws {Error} if no scanner is compiled from the current sources.
 */
async function scannerPath(): Promise<string> {
  const beside = fileURLToPath(new URL('scanner.wasm', import.meta.url));
  if (existsSync(beside)) return beside;
  const builds = new URL('../bin/scanner-file.js', import.meta.url).href;
  const { scannerFile, isScanner } = (await import(builds)) as ScannerFile;
  const file = scannerFile();
  if (existsSync(file)) return file;
  const folder = dirname(file);
  const isStale = existsSync(folder) && readdirSync(folder).some(isScanner);
  const why = isStale
    ? 'is older than records/scanner, bin/scanner.js or package.json'
    : 'has not been compiled';
  throw new Error(`The scanner’s WebAssembly ${why}: run \`npm run build:scanner\` (there is no ${file})`);
}
