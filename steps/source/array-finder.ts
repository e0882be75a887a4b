const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const OPENING: ReadonlySet<number> = new Set([OPEN_BRACKET, OPEN_BRACE]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);
const BYTE_ORDER_MARK: readonly number[] = [0xef, 0xbb, 0xbf];

/** A longer name is not on the path. */
const MAX_NAME_BYTES = 1024;

/** Finds the array at a path in a stream of JSON. Skips all other values without parsing them. */
export class ArrayFinder {
  /** The first byte of the content, apart from spaces and a byte order mark; undefined before it. */
  firstByte: number | undefined;
  /** Whether the outermost value ended, and the array is not in it. */
  isPastEnd = false;
  readonly #path: readonly string[];
  /** The open objects and arrays. */
  #depth = 0;
  /** The open objects that are on the path, from the outermost. */
  #onPath = 0;
  #expected: 'key' | 'colon' | 'value' = 'value';
  #isNameOnPath = false;
  #isInText = false;
  #isEscaped = false;
  /** The bytes of a name in an object on the path; undefined in any other text. */
  #name: number[] | undefined;

  /** @param path The names of members, from the outermost object. */
  constructor(path: readonly string[]) {
    this.#path = path;
  }

  /** Returns the offset of the array's bracket in these bytes, or -1 if it is not in them. */
  push(bytes: Buffer): number {
    for (const [offset, byte] of bytes.entries()) {
      if (this.#isInText) this.#inText(byte);
      else if (this.#isArray(byte)) return offset;
      else this.#outsideText(byte);
    }
    return -1;
  }

  /** Whether the value that is next is directly in an object on the path, and has the path's name. */
  get #isValueOnPath(): boolean {
    return this.#isDirect && this.#expected === 'value' && this.#isNameOnPath;
  }

  get #isDirect(): boolean {
    return this.#depth === this.#onPath && this.#depth > 0;
  }

  #isArray(byte: number): boolean {
    return byte === OPEN_BRACKET && this.#onPath === this.#path.length && this.#isValueOnPath;
  }

  #outsideText(byte: number): void {
    if (byte <= 0x20) return;
    if (this.firstByte === undefined && !BYTE_ORDER_MARK.includes(byte)) this.firstByte = byte;
    if (byte === QUOTE) this.#beginText();
    else if (OPENING.has(byte)) this.#open(byte);
    else if (CLOSING.has(byte)) this.#close();
    else if (byte === COLON && this.#isDirect) this.#expected = 'value';
    else if (byte === COMMA && this.#isDirect) this.#expectName();
  }

  #beginText(): void {
    this.#isInText = true;
    this.#name = this.#isDirect && this.#expected === 'key' ? [] : undefined;
  }

  #open(byte: number): void {
    const isOutermost = this.#depth === 0 && !this.isPastEnd;
    const isOnPath = isOutermost || (this.#isValueOnPath && this.#onPath < this.#path.length);
    if (byte === OPEN_BRACE && isOnPath) {
      this.#onPath += 1;
      this.#expectName();
    }
    this.#depth += 1;
  }

  #close(): void {
    if (this.#isDirect) {
      this.#onPath -= 1;
      this.#isNameOnPath = false;
    }
    this.#depth -= 1;
    if (this.#depth <= 0) this.isPastEnd = true;
  }

  #expectName(): void {
    this.#expected = 'key';
    this.#isNameOnPath = false;
  }

  #inText(byte: number): void {
    if (byte === QUOTE && !this.#isEscaped) {
      this.#endText();
      return;
    }
    this.#isEscaped = byte === BACKSLASH && !this.#isEscaped;
    if (this.#name !== undefined && this.#name.length <= MAX_NAME_BYTES) this.#name.push(byte);
  }

  #endText(): void {
    this.#isInText = false;
    if (this.#name === undefined) return;
    this.#isNameOnPath = unescaped(Buffer.from(this.#name)) === this.#path[this.#onPath - 1];
    this.#name = undefined;
    this.#expected = 'colon';
  }
}

/** Returns a name without JSON's escapes; undefined if it is not valid. */
function unescaped(name: Buffer): string | undefined {
  if (!name.includes(BACKSLASH)) return name.toString('utf8');
  try {
    return JSON.parse(`"${name.toString('utf8')}"`) as string;
  } catch {
    return undefined;
  }
}
