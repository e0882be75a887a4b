import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process that no later one can be taken for: pids are used again, a pid with its start is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, as the system writes it; only ever compared. */
  readonly started: string;
}

/** A living process; `paused` when a signal stopped it (SIGSTOP). */
export interface LivingProcess extends ProcessIdentity {
  readonly paused: boolean;
}

/** The process that has this pid now; undefined when none has, or one that has ended and was not yet reaped. */
export function lookUp(pid: number): LivingProcess | undefined {
  return process.platform === 'linux' ? lookUpInProc(pid) : lookUpWithPs(pid);
}

/** The process as it is now, or undefined once it is gone, even if another has its pid by now. */
export function living(identity: ProcessIdentity): LivingProcess | undefined {
  const now = lookUp(identity.pid);
  return now?.started === identity.started ? now : undefined;
}

/** Sends a signal to that very process; false when it is gone. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (living(identity) === undefined) return false;
  try {
    return process.kill(identity.pid, name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

function lookUpInProc(pid: number): LivingProcess | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // The second field is the command in brackets, which may hold blanks and brackets of its own.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields?.[0];
  const threads = Number(fields?.[17]);
  const ticks = fields?.[19];
  if (state === undefined || ticks === undefined) return undefined;
  // The first thread can end before the others, and they still hold the ports.
  if ('ZX'.includes(state) && threads <= 1) return undefined;
  // Ticks count from the boot, so they name a start only together with the boot.
  const boot = read('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  return { pid, started: `${boot}/${ticks}`, paused: 'Tt'.includes(state) };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function lookUpWithPs(pid: number): LivingProcess | undefined {
  try {
    const output = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [state, ...started] = output.trim().split(/\s+/);
    if (state === undefined || started.length === 0 || state.startsWith('Z')) return undefined;
    return { pid, started: started.join(' '), paused: state.startsWith('T') };
  } catch {
    return undefined; // ps ends with 1 when there is no such process
  }
}
