/** A member of the outermost object. */
export interface OutlineMember {
  /** Truncated to {@link MAX_NAME_BYTES}. */
  readonly name: string;
  kind: 'array' | 'object' | 'other';
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const LINE_FEED = 0x0a;
const SPACE = 0x20;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const OPEN: ReadonlyMap<number, 'object' | 'array'> = new Map([
  [0x7b, 'object'],
  [0x5b, 'array'],
]);
const CLOSE: ReadonlyMap<number, 'object' | 'array'> = new Map([
  [0x7d, 'object'],
  [0x5d, 'array'],
]);

const MAX_MEMBERS = 100;
const MAX_NAME_BYTES = 100;

type Expected = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end';

/**
 * Outlines the first JSON value of a stream: whether it is an object or an array, the names of its members, and whether
 * it spans lines. Keeps no values.
 */
export class JsonOutline {
  /** `open` until the value ends; `broken` if the text is no JSON. */
  state: 'open' | 'whole' | 'broken' = 'open';
  /** Undefined before the value begins. */
  kind: 'object' | 'array' | 'other' | undefined;
  /** Whether the value has a line break. */
  spansLines = false;
  /** The position of the first character after the value, apart from spaces; undefined if there is none yet. */
  after: 'on its line' | 'on a later line' | undefined;
  readonly members: OutlineMember[] = [];
  /** Bytes read. */
  bytes = 0;
  /** Bytes up to the end of the whole value. */
  wholeBytes = 0;
  readonly #stack: ('object' | 'array')[] = [];
  #expected: Expected = 'value';
  #text: 'key' | 'value' | undefined;
  #isEscaped = false;
  #isInWord = false;
  #name: number[] = [];
  #lineEnded = false;

  /** Whether further bytes would change nothing. */
  get isDone(): boolean {
    return this.state === 'broken' || this.after !== undefined;
  }

  /** Reads the next bytes of the stream. */
  push(bytes: Buffer): void {
    for (const byte of bytes) {
      if (this.isDone) return;
      this.bytes += 1;
      if (this.state === 'whole') this.#follow(byte);
      else if (this.#text !== undefined) this.#inText(byte);
      else this.#outsideText(byte);
    }
  }

  #follow(byte: number): void {
    if (byte === LINE_FEED) this.#lineEnded = true;
    else if (!isSpace(byte)) this.after = this.#lineEnded ? 'on a later line' : 'on its line';
  }

  #inText(byte: number): void {
    if (byte < SPACE) this.state = 'broken';
    else if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#endText();
    if (this.#text === 'key' && this.#stack.length === 1 && this.#name.length < MAX_NAME_BYTES)
      this.#name.push(byte);
  }

  #endText(): void {
    if (this.#text === 'value') this.#endValue();
    else {
      this.#expected = 'colon';
      const name = Buffer.from(this.#name).toString('utf8');
      this.#name = [];
      if (this.#stack.length === 1 && this.members.length < MAX_MEMBERS)
        this.members.push({ name, kind: 'other' });
    }
    this.#text = undefined;
  }

  #outsideText(byte: number): void {
    if (this.#isInWord) {
      if (isWord(byte)) return;
      this.#isInWord = false;
      this.#endValue();
      if (this.state === 'whole') {
        this.#follow(byte);
        return;
      }
    }
    if (isSpace(byte)) {
      if (byte === LINE_FEED && this.kind !== undefined) this.spansLines = true;
    } else if (this.kind === undefined && BYTE_ORDER_MARK.includes(byte)) return;
    else if (this.#expected.startsWith('value')) this.#beginValue(byte);
    else this.#between(byte);
  }

  #beginValue(byte: number): void {
    if (this.#expected === 'value or end' && CLOSE.get(byte) === 'array') {
      this.#close('array');
      return;
    }
    const kind = OPEN.get(byte);
    this.#recordKind(kind ?? 'other');
    if (kind !== undefined) {
      this.#stack.push(kind);
      this.#expected = kind === 'array' ? 'value or end' : 'key or end';
    } else if (byte === QUOTE) this.#text = 'value';
    else if (isWord(byte)) this.#isInWord = true;
    else this.state = 'broken';
  }

  /** Records the kind of a value that begins, if it is the outermost one or one of its members. */
  #recordKind(kind: 'object' | 'array' | 'other'): void {
    this.kind ??= kind;
    const member = this.members.at(-1);
    if (this.#stack.length === 1 && this.#stack[0] === 'object' && member !== undefined) member.kind = kind;
  }

  #between(byte: number): void {
    const closed = CLOSE.get(byte);
    if (byte === QUOTE && this.#expected.startsWith('key')) this.#text = 'key';
    else if (byte === COLON && this.#expected === 'colon') this.#expected = 'value';
    else if (byte === COMMA && this.#expected === 'comma or end')
      this.#expected = this.#stack.at(-1) === 'array' ? 'value' : 'key';
    else if (closed !== undefined && this.#expected.endsWith('or end')) this.#close(closed);
    else this.state = 'broken';
  }

  #close(kind: 'object' | 'array'): void {
    if (this.#stack.pop() === kind) this.#endValue();
    else this.state = 'broken';
  }

  #endValue(): void {
    if (this.#stack.length === 0) {
      this.state = 'whole';
      this.wholeBytes = this.bytes;
    } else this.#expected = 'comma or end';
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === LINE_FEED || byte === 0x0d || byte === 0x09;
}

/** Letters, digits and signs, which numbers, `true`, `false` and `null` consist of. */
function isWord(byte: number): boolean {
  return /[\w.+-]/.test(String.fromCharCode(byte));
}
