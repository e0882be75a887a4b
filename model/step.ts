/** The steps of a run, in order. */
export const STEPS = ['fetch', 'publish', 'consume', 'transform', 'land'] as const;

/** One of {@link STEPS}. */
export type Step = (typeof STEPS)[number];
