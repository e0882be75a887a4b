import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { messageOf, PipelineError } from '../../model/errors.ts';
import type { TlsFiles } from '../../model/settings-servers.ts';

/** PEM texts for the options of node:tls. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/**
 * Reads PEM files and validates the certificates and the key.
 * @param where The settings' key, as `kafka.tls`.
 * @throws {PipelineError} SETTINGS_INVALID, naming the setting and the file.
 */
export function readTls({ caFile, certificateFile, keyFile }: TlsFiles, where: string): TlsMaterial {
  const ca = readPem(caFile, `${where}.caFile`);
  const cert = readPem(certificateFile, `${where}.certificateFile`);
  const key = readPem(keyFile, `${where}.keyFile`);
  const material = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  try {
    createSecureContext(material);
  } catch (cause) {
    throw new PipelineError('SETTINGS_INVALID', `${where}: its files do not fit: ${messageOf(cause)}`);
  }
  return material;
}

function readPem(file: string | undefined, where: string): string | undefined {
  if (file === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new PipelineError('SETTINGS_INVALID', `${where}: ${messageOf(cause)}`);
  }
  if (text.includes('-----BEGIN ')) return text;
  throw new PipelineError('SETTINGS_INVALID', `${where}: ${file} is not a PEM file`);
}
