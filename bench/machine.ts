import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { requireJava } from '../services/tools.ts';
import type { Results } from './result-schema.ts';

const ROOT = join(import.meta.dirname, '..');

/** Describes this machine. */
export function machine(): Results['machine'] {
  const [first] = cpus();
  return {
    processor: first?.model.trim() ?? 'unknown processor',
    cores: cpus().length,
    memoryGibibytes: Math.round(totalmem() / 2 ** 30),
  };
}

/** Returns the versions of the products that affect the figures. */
export function versions(): Results['versions'] {
  return {
    Node: process.versions.node,
    Java:
      /version "([^"]+)"/.exec(spawnSync(requireJava(), ['-version'], { encoding: 'utf8' }).stderr)?.[1] ??
      '',
    Kafka: found('services/kafka/pom.xml', /<version>([^<]+)</),
    HDFS: found('services/hdfs/pom.xml', /<version>([^<]+)</),
    Spark: found('bench/peers/pom.xml', /<version>([^<]+)</),
    DuckDB: found('package.json', /"@duckdb\/node-api": "([^-"]+)/),
    kafkajs: found('package.json', /"kafkajs": "([^"]+)"/),
  };
}

function found(path: string, pattern: RegExp): string {
  const version = pattern.exec(readFileSync(join(ROOT, path), 'utf8'))?.[1];
  if (version === undefined) throw new TypeError(`${path} has no version that is as ${pattern.source}`);
  return version;
}
