import { isIP } from 'node:net';
import type { HttpProxy } from '../http/proxy.ts';
import type { Environment } from './environment.ts';
import { SettingsError } from './settings.ts';

/** Hosts on this machine, which are never called through a proxy. */
const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/**
 * Reads the proxy from `HTTPS_PROXY`, and from `NO_PROXY` the hosts that are called without it. It reads them as curl does:
 * lower case comes first, a proxy without a scheme is an HTTP proxy, and `example.com` includes its subdomains.
 *
 * A Lambda function never uses a proxy: its network is its VPC, and a variable that is meant for another part of the function
 * must not redirect its calls.
 *
 * @throws {SettingsError} for a proxy that cannot be used; the message does not show its password.
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
    // Node's agent decodes both, and fails on a % that is not part of an encoding.
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
