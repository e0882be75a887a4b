import { EXAM_ROWS, type ExamRow, type Trait } from './exams.ts';
import { hex32, indexIn, Random, risingSums } from './random.ts';

/** A question of the catalogue. Its first `correct` options are the right ones; a sitting shuffles them. */
export interface CatalogueQuestion {
  readonly id: string;
  readonly options: readonly string[];
  readonly correct: number;
}

/** An exam of the catalogue. */
export interface Exam {
  readonly name: string;
  readonly baseExamId: string;
  readonly sequenceId: string;
  readonly popularity: number;
  /** Number of questions per attempt, out of `questions`. */
  readonly length: number;
  readonly questions: readonly CatalogueQuestion[];
  readonly score: number;
  readonly trait: Trait | undefined;
}

/** Chosen so that the numbers of options and right options per question match a real customer's. */
const CATALOGUE_KEY = 12_929;

/** Numbers of options and of right options of a question; `weight` is the share in a thousand questions. */
const QUESTION_KINDS = [
  { options: 2, correct: 1, weight: 17 },
  { options: 3, correct: 1, weight: 198 },
  { options: 3, correct: 2, weight: 26 },
  { options: 3, correct: 3, weight: 28 },
  { options: 4, correct: 1, weight: 483 },
  { options: 4, correct: 2, weight: 120 },
  { options: 4, correct: 3, weight: 68 },
  { options: 4, correct: 4, weight: 14 },
  { options: 5, correct: 1, weight: 6 },
  { options: 5, correct: 4, weight: 12 },
  { options: 6, correct: 3, weight: 28 },
] as const;
const KIND_SUMS = risingSums(QUESTION_KINDS.map((kind) => kind.weight));

/** Some exams have more questions than an attempt asks. */
const SPARE_QUESTIONS = { chance: 0.06, count: 3 };

/** Ids of the oldest exams are time-based (UUID version 1), and a few options' ids have no dashes. */
const OLD_IDS = { chance: 0.33 };
const BARE_IDS = { chance: 0.02 };

function questionOf(
  random: Random,
  trait: Trait | undefined,
  version: '1' | '4',
  bare: boolean,
): CatalogueQuestion {
  const kind = QUESTION_KINDS[indexIn(KIND_SUMS, random.below(KIND_SUMS.at(-1) ?? 0))] ?? QUESTION_KINDS[4];
  const { options, correct } = trait === 'explicit' ? { options: 4, correct: 1 } : kind;
  return {
    id: random.uuid(version),
    options: Array.from({ length: options }, () =>
      bare ? [0, 0, 0, 0].map(() => hex32(random.word())).join('') : random.uuid(version),
    ),
    correct,
  };
}

function examOf([name, popularity, length, score, trait]: ExamRow, index: number): Exam {
  const random = new Random(CATALOGUE_KEY, index);
  const version = random.chance(OLD_IDS.chance) ? '1' : '4';
  const bare = random.chance(BARE_IDS.chance);
  const spare = random.chance(SPARE_QUESTIONS.chance) ? SPARE_QUESTIONS.count : 0;
  return {
    name,
    baseExamId: trait === 'sandbox' ? 'sandbox-exam' : random.uuid(version),
    sequenceId: random.uuid('4'),
    popularity,
    length,
    questions: Array.from({ length: length + spare }, () => questionOf(random, trait, version, bare)),
    score,
    trait,
  };
}

/** Every exam of the platform. Their ids are the same for every seed. */
export const CATALOGUE: readonly Exam[] = EXAM_ROWS.map(examOf);
