import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { ROOT } from './harness.ts';

const ComposeService = z.object({
  image: z.string(),
  restart: z.string(),
  mem_limit: z.string(),
  user: z.string().optional(),
  read_only: z.boolean().default(false),
  privileged: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  cap_add: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  tmpfs: z.array(z.string()).default([]),
  pid: z.string().optional(),
  ipc: z.string().optional(),
  devices: z.array(z.string()).default([]),
  logging: z.object({ driver: z.string() }),
  environment: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  networks: z.array(z.string()).optional(),
  network_mode: z.string().optional(),
  hostname: z.string().optional(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  stop_grace_period: z.string().optional(),
});
/** A service of docker-compose.yml. */
export type ComposeService = z.infer<typeof ComposeService>;

/** docker-compose.yml with its merge keys resolved. */
export const document: unknown = parse(readProjectFile('docker-compose.yml'), { merge: true });

/** docker-compose.yml, as far as tests check it. */
export const compose = z
  .object({
    services: z.record(z.string(), ComposeService),
    networks: z.record(z.string(), z.unknown()),
    volumes: z.record(z.string(), z.unknown()),
  })
  .parse(document);
/** Its services, by name. */
export const services = Object.entries(compose.services);

/** Reads a file of this project. */
export function readProjectFile(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Returns the service of that name. */
export function service(name: string): ComposeService {
  const found = compose.services[name];
  assert.ok(found, `docker-compose.yml has no service ${name}`);
  return found;
}
