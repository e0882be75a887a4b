import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** The parts of a `--cpu-prof` file that are used; times are microseconds of the system's monotonic clock. */
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

/** Name of everything outside the pieces. */
const REST = 'other';
const IDLE = '(idle)';

/** A piece of the work, with its functions, by `name url`. */
export interface Piece {
  readonly name: string;
  readonly functions: RegExp;
}

/** A span of the monotonic clock, in microseconds. */
export interface ClockSpan {
  readonly from: number;
  readonly to: number;
}

/** Returns the monotonic clock, in microseconds. */
export function clock(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** Converts milliseconds since 1970 to the monotonic clock. */
export function clockAt(timeMs: number): number {
  return clock() - (performance.timeOrigin + performance.now() - timeMs) * 1000;
}

/**
 * Sums the seconds of a process's JavaScript per piece, callees included, and of everything else.
 * @param folder Folder of Node's profiles: one per thread, which are added up.
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
  const absent = pieces.find(({ name }) => sum.get(name) === 0);
  // Its functions were probably moved or renamed.
  if (absent !== undefined)
    throw new Error(`no function of the piece “${absent.name}” ran: ${absent.functions}`);
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

/** Returns the piece of each node of the call tree: its own, or its nearest caller's. */
function piecesOf({ nodes }: Profile, pieces: readonly Piece[]): Map<number, string> {
  const found = new Map<number, string>();
  // Callers precede callees.
  for (const { id, callFrame, children = [] } of nodes) {
    const own = pieces.find(({ functions }) => functions.test(`${callFrame.functionName} ${callFrame.url}`));
    const piece = callFrame.functionName === IDLE ? IDLE : (own?.name ?? found.get(id));
    if (piece === undefined) continue;
    for (const one of [id, ...children]) found.set(one, piece);
  }
  return found;
}
