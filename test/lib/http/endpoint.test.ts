import { describe, expect, it } from 'vitest';
import { assertEndpoint } from '../../../lib/http/endpoint.ts';

describe('assertEndpoint', () => {
  it.each(['https://dli.eu-west-101.myhuaweicloud.eu', 'http://127.0.0.1:8080', 'http://localhost', 'http://[::1]:80'])(
    'takes %s',
    (url) => {
      expect(() => assertEndpoint(new URL(url))).not.toThrow();
    },
  );

  it.each([
    'http://dli.cn-north-4.myhuaweicloud.com',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
    'ftp://127.0.0.1',
    'https://user:secret@dli.example.com',
    'https://dli.example.com/v1.0',
    'https://dli.example.com/?x=1',
    'https://dli.example.com#.myhuaweicloud.com',
  ])('refuses %s without repeating a password', (url) => {
    expect(() => assertEndpoint(new URL(url))).toThrow(/^endpoint /);
    expect(() => assertEndpoint(new URL(url))).not.toThrow(/secret/);
  });
});
