/** The end-of-life date of each LTS release line of Node.js (UTC), from nodejs/Release. */
const END_OF_LIFE: ReadonlyMap<number, string> = new Map([
  [20, '2026-04-30'],
  [22, '2027-04-30'],
  [24, '2028-04-30'],
  [26, '2029-04-30'],
]);

/**
 * Returns a warning if a version of Node.js no longer gets security fixes.
 * @param version As `v20.20.2`.
 * @returns Undefined if it does, or if its end-of-life date is unknown.
 */
export function unsupportedNode(version: string, now: Date): string | undefined {
  const major = Number(/^v?(\d+)\./.exec(version)?.[1]);
  const end = END_OF_LIFE.get(major);
  if (end === undefined || now.getTime() < Date.parse(end) + DAY_MS) return undefined;
  const supported = [...END_OF_LIFE].filter(([, day]) => now.getTime() < Date.parse(day) + DAY_MS);
  const choice = supported.map(([line]) => line).join(', ');
  return `Node ${major} is out of support since ${end} and gets no security fixes: use ${choice || 'a newer one'}`;
}

const DAY_MS = 24 * 60 * 60 * 1000;
