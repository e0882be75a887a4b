/** A phrase that has to be read twice, and what to write in its place. */
interface Ban {
  /** A space matches a line break too, also one within a comment. */
  readonly pattern: RegExp;
  readonly instead: string;
}

/** Only phrases that have next to no good use: the check has no exceptions. */
const BANS: readonly Ban[] = [
  { pattern: /\banew\b/, instead: 'again, rebuild, or recreate' },
  { pattern: /\bonce more\b/, instead: 'again' },
  { pattern: /\bwho(?:so)?ever\b/, instead: 'the caller, the reader, or who it is' },
  { pattern: /\bwho (?:asks|wants)\b/, instead: 'the caller or the client' },
  { pattern: /\bso many\b/, instead: 'the count, or its limit' },
  { pattern: /\bso much\b/, instead: 'the size, or its limit' },
  { pattern: /\bso long\b/, instead: 'the timeout, or the interval' },
  { pattern: /\bhow far (?:it|they) (?:came|come|comes|got)\b/, instead: 'progress' },
  { pattern: /\bhow (?:things|matters) stand\b/, instead: 'status' },
  { pattern: /\bgo(?:es)? on with\b/, instead: 'continues' },
  { pattern: /\bhears? of\b/, instead: 'is notified of, or learns of' },
  { pattern: /\bpass(?:es)? by\b/, instead: 'skips' },
  { pattern: /\bMOST_[A-Z_]+\b/, instead: 'MAX_…' },
  { pattern: /\bLEAST_[A-Z_]+\b/, instead: 'MIN_…' },
  { pattern: /\b[A-Z_]+_WITHIN_MS\b/, instead: '…_TIMEOUT_MS' },
  { pattern: /\bSO_LONG_MS\b/, instead: '…_TIMEOUT_MS' },
];

/** What may be between two words of a phrase: blanks, line breaks, and how a comment goes on. */
const GAP = String.raw`(?:\s|\*|//|#)+`;

const PATTERNS = BANS.map(({ pattern, instead }) => ({
  // Constants are written in capitals; a phrase may begin a sentence.
  regExp: new RegExp(pattern.source.replaceAll(' ', GAP), /[A-Z]{2}/.test(pattern.source) ? 'g' : 'gi'),
  instead,
}));

/** Words of a text that are banned. */
export interface BannedWords {
  /** Of the text, from 1. */
  readonly line: number;
  readonly words: string;
  readonly instead: string;
}

/** Returns the banned phrases of a text, in the order of its lines. */
export function findBannedWords(text: string): BannedWords[] {
  return PATTERNS.flatMap(({ regExp, instead }) =>
    [...text.matchAll(regExp)].map((match) => ({
      line: text.slice(0, match.index).split('\n').length,
      words: match[0].split(/[\s*/#]+/).join(' '),
      instead,
    })),
  ).sort((a, b) => a.line - b.line);
}
