/** A banned phrase and its replacement. */
interface Ban {
  /** A space matches line breaks too, also within a comment. */
  readonly pattern: RegExp;
  readonly instead: string;
}

/** Only phrases with next to no false positives, since the check has no exceptions. */
const BANS: readonly Ban[] = [
  { pattern: /\banew\b/, instead: 'again, rebuild, or recreate' },
  { pattern: /\bonce more\b/, instead: 'again' },
  { pattern: /\bwho(?:so)?ever\b/, instead: 'the caller, the reader, or who it is' },
  { pattern: /\bwho (?:asks|wants)\b/, instead: 'the caller or the client' },
  { pattern: /\bso many\b/, instead: 'the count, or its limit' },
  { pattern: /\bso much\b/, instead: 'the size, or its limit' },
  { pattern: /\bso long\b/, instead: 'the timeout, or the interval' },
  { pattern: /\bhow far (?:it|they) (?:came|come|comes|goes|got|went)\b/, instead: 'progress' },
  { pattern: /\bhow (?:things|matters) stand\b/, instead: 'status' },
  { pattern: /\bstands? (?:at|still)\b/, instead: 'is at, its position, or is frozen' },
  { pattern: /\bstanding\b/, instead: 'the status, or standard' },
  { pattern: /\bthe one before\b/, instead: 'the previous one' },
  { pattern: /\btries again\b/, instead: 'retries' },
  { pattern: /\bpass(?:es|ed) (?:by|over)\b/, instead: 'skips' },
  { pattern: /\bsomebody\b/, instead: 'another client, or a person' },
  { pattern: /\bthat (?:is|are) none\b/, instead: 'invalid, or what was found' },
  { pattern: /\btold of\b/, instead: 'reported' },
  { pattern: /\bgo(?:es)? on with\b/, instead: 'continues' },
  { pattern: /\bhears? of\b/, instead: 'is notified of, or learns of' },
  // The begin of a docstring.
  { pattern: /\/\*\* (?:What|Where|Whose|Who)\b/, instead: 'a verb in the third person, or a noun' },
  { pattern: /\bMOST_[A-Z_]+\b/, instead: 'MAX_…' },
  { pattern: /\bLEAST_[A-Z_]+\b/, instead: 'MIN_…' },
  { pattern: /\b[A-Z_]+_WITHIN_MS\b/, instead: '…_TIMEOUT_MS' },
  { pattern: /\bSO_LONG_MS\b/, instead: '…_TIMEOUT_MS' },
];

/** Separators of words: blanks, line breaks and comment markers. */
const GAP = String.raw`(?:\s|\*|//|#)+`;

const PATTERNS = BANS.map(({ pattern, instead }) => ({
  // Constants are matched in capitals only; phrases in any case.
  regExp: new RegExp(pattern.source.replaceAll(' ', GAP), /[A-Z]{2}/.test(pattern.source) ? 'g' : 'gi'),
  instead,
}));

/** A banned phrase in a text. */
export interface BannedWords {
  /** Line of the text, from 1. */
  readonly line: number;
  readonly words: string;
  readonly instead: string;
}

/** Returns the banned phrases of a text, ordered by line. */
export function findBannedWords(text: string): BannedWords[] {
  return PATTERNS.flatMap(({ regExp, instead }) =>
    [...text.matchAll(regExp)].map((match) => ({
      line: text.slice(0, match.index).split('\n').length,
      words: match[0].split(/[\s*/#]+/).join(' '),
      instead,
    })),
  ).sort((a, b) => a.line - b.line);
}
