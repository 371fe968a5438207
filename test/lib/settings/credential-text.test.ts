import { describe, expect, it } from 'vitest';
import { problemOfKey, problemOfName, problemOfPassword } from '../../../lib/settings/credential-text.ts';

describe('problemOfKey', () => {
  it.each(['AKIAIOSFODNN7EXAMPLE', 'a+b/c==', 'emulator-secret-access-key', `MII${'x'.repeat(4_000)}`])(
    'takes %s',
    (text) => {
      expect(problemOfKey(text)).toBeUndefined();
    },
  );

  it.each([
    { text: 'hush\n', problem: /^ends in a line break/ },
    { text: 'hush\r\n', problem: /^ends in a line break/ },
    { text: 'hu\nsh', problem: /^has a line break in it/ },
    { text: ' hush', problem: /^begins or ends with a blank/ },
    { text: 'hush ', problem: /^begins or ends with a blank/ },
    { text: 'hu sh', problem: /^has a blank in it/ },
    { text: '"hush"', problem: /^is in quotes/ },
    { text: "'hush'", problem: /^is in quotes/ },
    { text: 'hu\u200bsh', problem: /^has a zero-width space in it/ },
    { text: '\ufeffhush', problem: /^has a byte-order mark in it/ },
    { text: 'hush\u00a0', problem: /^has a no-break space in it/ },
    { text: 'hu\tsh', problem: /^has a character in it that cannot be seen/ },
    { text: 'hush中', problem: /no header can carry/ },
    { text: '“hush”', problem: /no header can carry/ },
  ])('refuses $text, and does not show it', ({ text, problem }) => {
    expect(problemOfKey(text)).toMatch(problem);
    expect(problemOfKey(text)).not.toMatch(/hu|sh\b|中/);
  });
});

describe('problemOfName', () => {
  it.each(['reaper', 'OTC-EU-DE-00000000001000000000', 'Jürgen Müller', 'o"brien'])('takes %s', (text) => {
    expect(problemOfName(text)).toBeUndefined();
  });

  it.each(['reaper\n', ' reaper', 'rea\u200bper'])('refuses %j', (text) => {
    expect(problemOfName(text)).toBeDefined();
  });
});

describe('problemOfPassword', () => {
  it.each(['pässwörd "with" quotes', ' blanks around ', '中文'])('takes %s, which a body can carry', (text) => {
    expect(problemOfPassword(text)).toBeUndefined();
  });

  it.each(['secret\n', 'sec\u200bret', 'sec\u0000ret'])('refuses %j', (text) => {
    expect(problemOfPassword(text)).toBeDefined();
  });
});
