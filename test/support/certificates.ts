import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Names and addresses of this machine, in every server's certificate. */
const HERE = ['DNS:localhost', 'IP:127.0.0.1'];

/** A certificate and its key, both PEM files. */
export interface Certificate {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** A certificate authority of a test, with all its files in one folder. */
export class Authority {
  /** Its own certificate, for clients that trust it. */
  readonly caFile: string;
  readonly #folder: string;
  readonly #keyFile: string;

  private constructor(folder: string, name: string) {
    this.#folder = folder;
    this.caFile = join(folder, `${name}.pem`);
    this.#keyFile = join(folder, `${name}.key`);
  }

  static async make(folder: string, name: string): Promise<Authority> {
    const authority = new Authority(folder, name);
    await newKey(authority.#keyFile);
    const words = ['req', '-x509', '-new', '-key', authority.#keyFile, '-subj', `/CN=${name}`, '-days', '2'];
    await openssl([...words, '-addext', 'keyUsage=critical,keyCertSign', '-out', authority.caFile]);
    return authority;
  }

  /**
   * Signs a certificate.
   * @param options.names Such as `DNS:localhost`; those of this machine by default.
   * @param options.days Validity from now on; a negative number makes an expired certificate.
   */
  async sign(
    name: string,
    options: { readonly names?: readonly string[]; readonly days?: number } = {},
  ): Promise<Certificate> {
    const file = (ending: string): string => join(this.#folder, `${name}.${ending}`);
    const keyFile = file('key');
    await newKey(keyFile);
    await openssl(['req', '-new', '-key', keyFile, '-subj', `/CN=${name}`, '-out', file('csr')]);
    await writeFile(file('ext'), `subjectAltName=${(options.names ?? HERE).join(',')}\n`);
    const signer = ['-CA', this.caFile, '-CAkey', this.#keyFile, '-CAcreateserial', '-extfile', file('ext')];
    const days = String(options.days ?? 2);
    await openssl(['x509', '-req', '-in', file('csr'), ...signer, '-days', days, '-out', file('pem')]);
    return { keyFile, certificateFile: file('pem') };
  }
}

/** Writes key and certificate into one file, as Java expects them. */
export async function bundle({ keyFile, certificateFile }: Certificate): Promise<string> {
  const file = `${certificateFile}.bundle`;
  await writeFile(file, `${await readFile(keyFile, 'utf8')}${await readFile(certificateFile, 'utf8')}`);
  return file;
}

async function newKey(file: string): Promise<void> {
  await openssl(['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file]);
}

async function openssl(words: readonly string[]): Promise<void> {
  await run('openssl', words);
}
