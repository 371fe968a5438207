import { describe, expect, it } from 'vitest';
import { codeOf, nameOf } from '../../lib/error-words.ts';

const errorWith = (fields: object) => Object.assign(new Error('of Node'), fields);

describe('codeOf', () => {
  it('puts a code of the system into words', () => {
    expect(codeOf(errorWith({ code: 'EISDIR' }))).toBe('it is a folder, EISDIR');
    expect(codeOf(errorWith({ code: 'ENOENT' }))).toBe('no such file or folder, ENOENT');
  });

  it('leaves one alone that it does not know', () => {
    expect(codeOf(errorWith({ code: 'EWHAT' }))).toBe('EWHAT');
    expect(codeOf('thrown')).toBe('unknown error');
  });
});

describe('nameOf', () => {
  it('names the host of AWS that was not found, which holds the region that was meant', () => {
    const error = errorWith({ code: 'ENOTFOUND', hostname: 'ssm.eu-central-9.amazonaws.com' });

    expect(nameOf(error)).toBe(
      'ENOTFOUND ssm.eu-central-9.amazonaws.com; see AWS_REGION, or HTTPS_PROXY where only a proxy leads out',
    );
  });

  it.each([
    { code: 'SELF_SIGNED_CERT_IN_CHAIN', says: 'NODE_EXTRA_CA_CERTS' },
    { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', says: 'NODE_EXTRA_CA_CERTS' },
    { code: 'ERR_PROXY_TUNNEL', says: 'HTTPS_PROXY' },
  ])('says of $code what to see to', ({ code, says }) => {
    expect(nameOf(errorWith({ code }))).toContain(`${code}; `);
    expect(nameOf(errorWith({ code }))).toContain(says);
  });

  it('leaves other codes as they are', () => {
    expect(nameOf(errorWith({ code: 'ECONNRESET' }))).toBe('ECONNRESET');
  });
});
