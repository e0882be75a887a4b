import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** Names something that the scanner made. */
export type Address = number;

/** What the scanner can do, which is in `scanner/index.ts`; truth is 0 or 1. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly reset: () => void;
  readonly level: (room: number) => Address;
  readonly newColumn: (level: Address, bytes: number, hasTexts: number) => Address;
  readonly newShape: (most: number) => Address;
  readonly fieldOf: (shape: Address, nameLength: number, isRequired: number, kind: number) => Address;
  readonly holdsValues: (field: Address, column: Address) => void;
  readonly holdsObject: (field: Address, shape: Address) => void;
  readonly holdsList: (field: Address, lengths: Address, items: Address, item: Address) => void;
  readonly attemptsAre: (
    level: Address,
    shape: Address,
    source: Address,
    headers: Address,
    partition: Address,
    offset: Address,
    publishedAt: Address,
  ) => void;
  readonly textAt: (length: number) => Address;
  readonly textNumber: (column: Address, length: number) => number;
  readonly takes: (
    length: number,
    source: number,
    headers: number,
    partition: number,
    offset: bigint,
    publishedMs: number,
  ) => number;
  readonly rowsOf: (level: Address) => number;
  readonly roomOf: (level: Address) => number;
  readonly aboveOf: (level: Address) => Address;
  readonly positionsOf: (level: Address) => Address;
  readonly countOf: (column: Address) => number;
  readonly valuesOf: (column: Address) => Address;
  readonly validOf: (column: Address) => Address;
  readonly textsOf: (column: Address) => number;
  readonly textBytesOf: (column: Address) => Address;
  readonly textStartsOf: (column: Address) => Address;
  readonly hasZeroOf: (column: Address) => number;
}

/** What `bin/scanner-file.js` exports, which is not compiled with the programs. */
interface ScannerFile {
  readonly scannerFile: () => string;
  readonly isScanner: (name: string) => boolean;
}

/** A scanner with memory of its own. */
export class Scanner {
  readonly exports: Exports;
  #bytes: Uint8Array;

  constructor() {
    this.exports = new WebAssembly.Instance(MODULE).exports as Exports;
    this.#bytes = new Uint8Array(this.memory);
  }

  /** Its memory, until that has to grow. */
  get memory(): ArrayBuffer {
    return this.exports.memory.buffer;
  }

  /** Puts a text where it is looked for. */
  put(text: Uint8Array): void {
    const at = this.exports.textAt(text.length);
    // Memory that has grown is elsewhere.
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.memory);
    this.#bytes.set(text, at);
  }
}

const MODULE = new WebAssembly.Module(readFileSync(await fileOf()));

/**
 * Returns where the compiled scanner is: beside this module where that was compiled too, else among the builds.
 * @throws {Error} where no scanner is compiled from the present sources.
 */
async function fileOf(): Promise<string> {
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
