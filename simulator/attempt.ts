/** Result of a question. */
export type UserResult = 'correct' | 'incorrect' | 'missed_some' | 'unanswered';

/** An option of a question in the feed. Absent fields are absent, never null. */
export interface FeedOption {
  readonly checked: boolean;
  /** Time at which the user last checked or unchecked it, such as `2018-01-23T14:23:24.670Z`. */
  readonly at?: string;
  readonly id: string;
  /** 1 if it was checked when the question was submitted. */
  readonly submitted?: 1;
  readonly correct?: boolean;
}

/** A question of an attempt in the feed. One that was never submitted has only its id and options. */
export interface FeedQuestion {
  readonly user_incomplete?: boolean;
  readonly user_correct?: boolean;
  readonly options: readonly FeedOption[];
  readonly user_submitted?: boolean;
  readonly id: string;
  readonly user_result?: UserResult;
}

/** Counts of an attempt's questions, by result. */
export interface FeedCounts {
  readonly incomplete: number;
  readonly submitted: number;
  readonly incorrect: number;
  readonly all_correct: boolean;
  readonly correct: number;
  readonly total: number;
  readonly unanswered: number;
}

/** An attempt in a customer's feed: some numbers and a boolean are strings. */
export interface FeedAttempt {
  /** Seconds since the epoch in decimal, with up to 7 decimals, such as `"1516717442.735266"`. */
  readonly keen_timestamp: string;
  /** Always `"1.0"`. */
  readonly max_attempts: string;
  readonly started_at: string;
  readonly base_exam_id: string;
  readonly user_exam_id: string;
  readonly sequences: {
    readonly questions: readonly FeedQuestion[];
    readonly attempt: number;
    readonly id: string;
    /** Absent where nothing was submitted. */
    readonly counts?: FeedCounts;
  };
  /** The same as keen_timestamp. */
  readonly keen_created_at: string;
  /** `"false"` or null. */
  readonly certification: string | null;
  /** 24 hexadecimal digits. Two attempts with the same one are the same attempt delivered twice. */
  readonly keen_id: string;
  readonly exam_name: string;
}
