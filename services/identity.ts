import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Identifies a process for good: pids are reused, a pid with its start time is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time as the system prints it; only ever compared. */
  readonly started: string;
}

/** A running process; `paused` when a signal stopped it (SIGSTOP). */
export interface LivingProcess extends ProcessIdentity {
  readonly paused: boolean;
}

/** Returns the process with this pid; undefined when there is none, or only a zombie. */
export function findProcessByPid(pid: number): LivingProcess | undefined {
  return process.platform === 'linux' ? lookUpInProc(pid) : lookUpWithPs(pid);
}

/** Returns the state of a process; undefined once it is gone, even if its pid was reused. */
export function findProcess(identity: ProcessIdentity): LivingProcess | undefined {
  const now = findProcessByPid(identity.pid);
  return now?.started === identity.started ? now : undefined;
}

/** Sends a signal to exactly this process; returns false when it is gone. */
export function sendSignal(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (findProcess(identity) === undefined) return false;
  try {
    return process.kill(identity.pid, name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

function lookUpInProc(pid: number): LivingProcess | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // The second field is the command in brackets, which may contain blanks and brackets.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields?.[0];
  const threads = Number(fields?.[17]);
  const ticks = fields?.[19];
  if (state === undefined || ticks === undefined) return undefined;
  // The first thread can end before the others, which still have the ports open.
  if ('ZX'.includes(state) && threads <= 1) return undefined;
  // Ticks count from the boot, so a start time is unique only together with the boot.
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
    return undefined; // ps exits with 1 when there is no such process
  }
}
