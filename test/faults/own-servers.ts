import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { installProductJars } from '../../services/install.ts';
import { runLoggedCommand } from '../../services/command.ts';
import { startStack, type RunningService, type Stack } from '../../services/stack.ts';
import { SERVICE_NAMES, type ServiceName } from '../../services/ports.ts';
import { JAVA_OPTIONS, requireJava } from '../../services/tools.ts';

/** Servers for a test that breaks them; no other test must notice. */
export class OwnServers {
  readonly #folder: string;
  readonly #stack: Stack;

  private constructor(folder: string, stack: Stack) {
    this.#folder = folder;
    this.#stack = stack;
  }

  /** @param only Which; all unless named. */
  static async start(only: readonly ServiceName[] = SERVICE_NAMES): Promise<OwnServers> {
    const folder = await mkdtemp(join(tmpdir(), 'own-servers-'));
    return new OwnServers(
      folder,
      await startStack({ folder: join(folder, 'services'), ports: 'free', only }),
    );
  }

  /** The parts of pipeline.yaml that lead to them. */
  get addresses(): Readonly<Record<string, object>> {
    const { temporal, kafka, hdfs } = this.#stack;
    return {
      temporal: { address: temporal.address },
      kafka: { brokers: kafka.brokers },
      hdfs: { nameNodes: [hdfs.nameNodeHttp] },
    };
  }

  /** The NameNode, as `http://127.0.0.1:9870`. */
  get nameNode(): string {
    return this.#stack.hdfs.nameNodeHttp;
  }

  service(name: ServiceName): RunningService {
    return this.#stack.service(name);
  }

  /** Has HDFS's own administration program do something, as `-safemode enter`. */
  async administer(...words: string[]): Promise<void> {
    const jars = await installProductJars('hdfs', () => undefined);
    const classes = ['-cp', [join(jars, '*')].join(delimiter), 'org.apache.hadoop.hdfs.tools.DFSAdmin'];
    const args = [...JAVA_OPTIONS, ...classes, '-fs', this.#stack.hdfs.defaultFs, ...words];
    const env = { HADOOP_USER_NAME: 'hdfs' };
    const log = join(this.#folder, 'dfsadmin.log');
    await runLoggedCommand(`dfsadmin ${words.join(' ')}`, { program: requireJava(), args, env }, log);
  }

  async stop(): Promise<void> {
    await this.#stack.stop();
    await rm(this.#folder, { recursive: true });
  }
}
