import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** What Node writes with `--cpu-prof`, as far as it is read here; times are microseconds of the system's clock. */
const Profile = z.looseObject({
  nodes: z.array(
    z.looseObject({
      id: z.int(),
      callFrame: z.looseObject({ functionName: z.string(), url: z.string() }),
      children: z.array(z.int()).optional(),
    }),
  ),
  startTime: z.number(),
  samples: z.array(z.int()),
  timeDeltas: z.array(z.number()),
});
type Profile = z.infer<typeof Profile>;

/** What belongs to no piece. */
const REST = 'all else';
const IDLE = '(idle)';

/** A piece of the work, and which functions are its own, by `name url`. */
export interface Piece {
  readonly name: string;
  readonly functions: RegExp;
}

/** A span of the system's clock, in microseconds. */
export interface ClockSpan {
  readonly from: number;
  readonly to: number;
}

/** The system's clock, in microseconds. */
export function clock(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** What that clock showed at a time, given in milliseconds since 1970. */
export function clockAt(timeMs: number): number {
  return clock() - (performance.timeOrigin + performance.now() - timeMs) * 1000;
}

/**
 * The seconds that the JavaScript of a process was in each piece, or in what that called; and in all else.
 * @param folder Where Node wrote its profiles: one a thread, which are added up.
 */
export function secondsIn(
  folder: string,
  pieces: readonly Piece[],
  span: ClockSpan,
): ReadonlyMap<string, number> {
  const sum = new Map<string, number>();
  for (const file of readdirSync(folder)) {
    const profile = Profile.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')));
    for (const [piece, seconds] of secondsOf(profile, pieces, span))
      sum.set(piece, (sum.get(piece) ?? 0) + seconds);
  }
  if (sum.size === 0) throw new Error(`no profile was written to ${folder}`);
  return sum;
}

function secondsOf(profile: Profile, pieces: readonly Piece[], span: ClockSpan): Map<string, number> {
  const pieceOf = piecesOf(profile, pieces);
  const seconds = new Map([...pieces.map(({ name }) => name), REST].map((name) => [name, 0]));
  let at = profile.startTime;
  for (const [index, sample] of profile.samples.entries()) {
    const delta = profile.timeDeltas[index] ?? 0;
    at += delta;
    const piece = pieceOf.get(sample) ?? REST;
    if (piece !== IDLE && at >= span.from && at <= span.to)
      seconds.set(piece, (seconds.get(piece) ?? 0) + delta / 1e6);
  }
  return seconds;
}

/** For each place in the tree of calls, the piece that it belongs to: its own, or its nearest caller's. */
function piecesOf({ nodes }: Profile, pieces: readonly Piece[]): Map<number, string> {
  const found = new Map<number, string>();
  // Callers stand before what they call.
  for (const { id, callFrame, children = [] } of nodes) {
    const own = pieces.find(({ functions }) => functions.test(`${callFrame.functionName} ${callFrame.url}`));
    const piece = callFrame.functionName === IDLE ? IDLE : (own?.name ?? found.get(id));
    if (piece === undefined) continue;
    for (const one of [id, ...children]) found.set(one, piece);
  }
  return found;
}
