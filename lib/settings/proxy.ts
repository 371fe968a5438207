import { isIP } from 'node:net';
import type { HttpProxy } from '../http/proxy.ts';
import type { Environment } from './environment.ts';
import { SettingsError } from './settings.ts';

/** What runs on this machine is never called through a proxy. */
const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/**
 * The proxy in `HTTPS_PROXY`, with the hosts in `NO_PROXY` that are called without it, read as curl reads them: lower case
 * comes first, a proxy without a scheme is an HTTP proxy, and `example.com` stands for all its subdomains as well.
 *
 * A Lambda function has none: its network is that of its VPC, and a variable that is meant for another part of it must not
 * turn its calls aside.
 *
 * @throws {SettingsError} for a proxy that cannot be used; its message does not show the password in it.
 */
export function readProxy(env: Environment): HttpProxy | undefined {
  if (env.AWS_LAMBDA_FUNCTION_NAME !== undefined) return undefined;
  const name = env.https_proxy ? 'https_proxy' : 'HTTPS_PROXY';
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  const url = toUrl(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    throw new SettingsError(
      name,
      'expected the address of an HTTP proxy, such as http://proxy.example.com:3128 or http://NAME:PASSWORD@proxy.example.com:3128 with special characters percent-encoded',
    );
  }
  return { url, bypass: [...LOOPBACK, ...bypassIn(env.no_proxy || env.NO_PROXY || '')] };
}

function toUrl(text: string): URL | undefined {
  try {
    const url = new URL(text);
    // Node's agent decodes both, and fails on what was not encoded.
    decodeURIComponent(url.username + url.password);
    return url;
  } catch {
    return undefined;
  }
}

function bypassIn(text: string): string[] {
  const entries = text.toLowerCase().split(/[\s,]+/);
  return entries
    .filter((entry) => entry !== '')
    .flatMap((entry) => {
      const suffix = entry.replace(/^\*(?=\.)/, '');
      if (suffix.startsWith('.')) return [suffix];
      const isName = entry !== '*' && isIP(entry) === 0 && !/[:/]/.test(entry);
      return isName ? [entry, `.${entry}`] : [entry];
    });
}
