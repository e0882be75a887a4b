import { defaultShape } from '../../records/contracts.ts';
import { tableNamed } from '../../tables/index.ts';

/** The shape of an attempt, as its contract defines it. */
export const ATTEMPT = defaultShape();

/** The tables of the contract. */
export const attempts = tableNamed('attempts');
export const questions = tableNamed('questions');
export const options = tableNamed('options');
