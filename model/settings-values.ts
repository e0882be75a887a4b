import { isIP } from 'node:net';
import { z } from 'zod';
import { SOURCE_NAME } from './source-name.ts';

/** The schema of the name of a source or a task queue. */
export const NAME = z.string().regex(SOURCE_NAME.pattern, `must be ${SOURCE_NAME.rule}`);

/** The schema of a Kafka topic's name. */
export const TOPIC = z
  .string()
  .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,200}$/, 'must be 1 to 200 of A-Z, a-z, 0-9, ".", _ and -');

/** The schema of a host with a port, as `kafka.example.com:9092`. */
export const ADDRESS = z.string().regex(/^[^\s/:]+:\d{1,5}$/, 'must be host:port');

/** The schema of a host with an optional port; an IPv6 address is in brackets, as in a URL. */
export const HOST_SCHEMA = z
  .string()
  .regex(
    /^([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/,
    'must be a host, as files.example.com, or host:port, in lower case',
  );

/** The schema of an IP address or a subnet. */
export const SUBNET = z
  .string()
  .refine(isSubnet, 'must be an IP address or a subnet, as 10.1.2.3, 10.0.0.0/8 or fd00::/8');

function isSubnet(text: string): boolean {
  const [, address = '', prefix = '0'] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  return version !== 0 && Number(prefix) <= (version === 4 ? 32 : 128);
}

/** Returns whether a URL has no user and no password: URLs are shown, and secrets belong in environment variables. */
export function hasNoLogin(url: string): boolean {
  return !URL.canParse(url) || new URL(url).username + new URL(url).password === '';
}

/**
 * The schema of the name of an environment variable that holds a secret. A secret of capitals and digits, entered by
 * mistake, would pass for a name and be shown in an error; so a long name with a digit must have an underscore.
 */
export const VARIABLE = z
  .string()
  .regex(
    /^(?![A-Z0-9]{16,}$(?<=[0-9].*))[A-Z_][A-Z0-9_]*$/,
    'must be the name of an environment variable, never a secret itself',
  );
