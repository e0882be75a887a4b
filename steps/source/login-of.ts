import { basicOf, bearerOf, fixedLogin, type Login } from '../../adapters/http/login.ts';
import { oauth2Login } from '../../adapters/http/oauth2.ts';
import { PipelineError } from '../../model/errors.ts';
import { readSecret } from '../../model/secrets.ts';
import type { AuthSettings } from '../../model/settings-feed.ts';
import type { SourceSettings } from '../../model/settings.ts';

/** Returns the login of a source's requests, which reads its secrets at each use; undefined if it has none. */
export function loginOf(name: string, source: SourceSettings): Login | undefined {
  const { tokenVariable, tokenFile, auth } = source;
  if (auth !== undefined) return loginBy(name, source, auth);
  if (tokenVariable === undefined && tokenFile === undefined) return undefined;
  const secret = `the token of source ${name}`;
  const place = { variable: tokenVariable, file: tokenFile };
  return fixedLogin(secret, () =>
    bearerOf(tokenIn(readSecret(place, secret), secret, tokenVariable ?? tokenFile)),
  );
}

function loginBy(name: string, source: SourceSettings, auth: AuthSettings): Login {
  const subject = `source ${name}`;
  switch (auth.type) {
    case 'basic': {
      const secret = `the password of ${subject}`;
      const place = { variable: auth.passwordVariable, file: auth.passwordFile };
      return fixedLogin(secret, () => basicOf(auth.user ?? '', readSecret(place, secret)));
    }
    case 'api-key': {
      const secret = `the key of ${subject}`;
      const { header, query = '', keyVariable: variable, keyFile: file } = auth;
      return fixedLogin(secret, () => {
        const key = readSecret({ variable, file }, secret);
        if (header === undefined) return { query: [query, key] };
        return { headers: { [header.toLowerCase()]: tokenIn(key, secret, variable ?? file) } };
      });
    }
    case 'oauth2': {
      const place = { variable: auth.clientSecretVariable, file: auth.clientSecretFile };
      return oauth2Login({
        subject,
        tokenUrl: auth.tokenUrl ?? '',
        clientId: auth.clientId ?? '',
        secret: () => readSecret(place, `the client’s secret of ${subject}`),
        scope: auth.scope,
        clientAuth: auth.clientAuth ?? 'basic',
        allowCleartext: source.allowCleartext,
        allowAddresses: source.allowAddresses,
      });
    }
  }
}

/** Requires that a secret can be the value of a header. */
function tokenIn(secret: string, what: string, place = ''): string {
  if (/^[\x21-\x7e]+$/.test(secret)) return secret;
  throw new PipelineError(
    'SETTINGS_INVALID',
    `${place} holds a character that ${what} cannot have, perhaps a space or a line break`,
  );
}
