import { describe, expect, it } from 'vitest';
import { isBypassed } from '../../../lib/http/proxy.ts';
import { readProxy } from '../../../lib/settings/proxy.ts';
import type { SettingsError } from '../../../lib/settings/settings.ts';
import { thrownBy } from '../../helpers/thrown-by.ts';

describe('readProxy', () => {
  it.each([
    { env: { HTTPS_PROXY: 'http://proxy.example:3128' }, url: 'http://proxy.example:3128/' },
    { env: { https_proxy: 'http://lower.example', HTTPS_PROXY: 'http://upper.example' }, url: 'http://lower.example/' },
    { env: { HTTPS_PROXY: 'https://proxy.example' }, url: 'https://proxy.example/' },
    { env: { HTTPS_PROXY: 'proxy.example:3128' }, url: 'http://proxy.example:3128/' },
    { env: { HTTPS_PROXY: 'http://sam:p%40ss@proxy.example' }, url: 'http://sam:p%40ss@proxy.example/' },
    { env: { HTTPS_PROXY: '' }, url: undefined },
    { env: { HTTP_PROXY: 'http://proxy.example' }, url: undefined },
    { env: {}, url: undefined },
  ])('takes $url from $env', ({ env, url }) => {
    expect(readProxy(env)?.url.href).toBe(url);
  });

  it('finds none in a Lambda function, whose way out is its VPC', () => {
    expect(readProxy({ HTTPS_PROXY: 'http://proxy.example', AWS_LAMBDA_FUNCTION_NAME: 'sweep' })).toBeUndefined();
  });

  it.each(['socks5://proxy.example:1080', 'http://sam:hush%zz@proxy.example', 'http://hush@:3128', 'http://'])(
    'refuses %s by the name of the variable, and shows no password',
    (text) => {
      const error = thrownBy(() => readProxy({ HTTPS_PROXY: text })) as SettingsError;

      expect(error).toMatchObject({ name: 'SettingsError', setting: 'HTTPS_PROXY' });
      expect(error.message).toMatch(/^HTTPS_PROXY: expected the address of an HTTP proxy/);
      expect(error.message).not.toContain('hush');
    },
  );

  it.each([
    { list: 'example.com', host: 'example.com', isFree: true },
    { list: 'example.com', host: 'dli.example.com', isFree: true },
    { list: 'example.com', host: 'dliexample.com', isFree: false },
    { list: '.example.com', host: 'dli.example.com', isFree: true },
    { list: '*.example.com', host: 'dli.example.com', isFree: true },
    { list: ' a.example , dli.example.com', host: 'dli.example.com', isFree: true },
    { list: 'a.example dli.example.com', host: 'dli.example.com', isFree: true },
    { list: 'Example.COM', host: 'dli.example.com', isFree: true },
    { list: '*', host: 'dli.example.com', isFree: true },
    { list: '10.1.2.3', host: '10.1.2.3', isFree: true },
    { list: 'dli.example.com:8443', host: 'dli.example.com:8443', isFree: true },
    { list: 'other.example', host: 'dli.example.com', isFree: false },
    { list: '', host: 'dli.example.com', isFree: false },
    { list: '', host: 'localhost:8443', isFree: true },
    { list: '', host: '127.0.0.1', isFree: true },
    { list: '', host: '[::1]', isFree: true },
  ])('reads NO_PROXY=$list as curl does: $host without the proxy is $isFree', ({ list, host, isFree }) => {
    const proxy = readProxy({ HTTPS_PROXY: 'http://proxy.example', NO_PROXY: list });

    expect(proxy && isBypassed(proxy, new URL(`https://${host}`))).toBe(isFree);
  });
});
