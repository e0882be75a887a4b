import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { onPath } from '../../../services/tools.ts';
import type { Publish, TestMessage } from './message.ts';

const KEY_END = '\t';
const END = '\n';

/**
 * Why there is no kcat here; false where there is one. In CI it is installed where it is missing and that is
 * allowed; where it is not, its tests fail there instead of being left out.
 */
export function kcatMissing(): string | false {
  if (onPath('kcat') !== undefined) return false;
  if (process.env['CI'] !== 'true') return 'there is no kcat: apt install kcat, or brew install kcat';
  if (process.getuid?.() === 0 && onPath('apt-get') !== undefined) {
    execFileSync('apt-get', ['update', '-q'], { stdio: 'ignore' });
    execFileSync('apt-get', ['install', '-q', '-y', 'kcat'], { stdio: 'ignore' });
  }
  return false;
}

/**
 * kcat, which publishes through librdkafka, as its lines: a message has a key, ends with the line, and all of
 * a call go into one batch or transaction.
 */
export function kcatClient(brokers: string): Publish {
  return async ({ topic, codec, guarantee }, messages) => {
    const settings = [
      'linger.ms=500',
      'batch.size=900000',
      `enable.idempotence=${guarantee !== 'plain'}`,
      ...(guarantee === 'transactional' ? [`transactional.id=kcat-${topic}`] : []),
    ];
    const words = ['-P', '-E', '-b', brokers, '-t', topic, '-z', codec, '-K', KEY_END];
    const program = onPath('kcat') ?? 'kcat';
    const child = spawn(program, [...words, ...settings.flatMap((setting) => ['-X', setting])], {
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (piece: string) => (said += piece));
    child.stdin.end(messages.map(lineOf).join(''));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new TypeError(`kcat ended with ${code ?? 'a signal'}: ${said}`);
  };
}

function lineOf({ key, value }: TestMessage): string {
  return `${(key ?? Buffer.alloc(0)).toString('utf8')}${KEY_END}${(value ?? Buffer.alloc(0)).toString('utf8')}${END}`;
}
