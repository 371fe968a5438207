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
    { text: 'hush\n', problem: /^ends with a line break/ },
    { text: 'hush\r\n', problem: /^ends with a line break/ },
    { text: 'hu\nsh', problem: /^contains a line break/ },
    { text: ' hush', problem: /^begins or ends with a space/ },
    { text: 'hush ', problem: /^begins or ends with a space/ },
    { text: 'hu sh', problem: /^contains a space/ },
    { text: '"hush"', problem: /^is in quotes/ },
    { text: "'hush'", problem: /^is in quotes/ },
    { text: 'hu\u200bsh', problem: /^contains a zero-width space/ },
    { text: '\ufeffhush', problem: /^contains a byte-order mark/ },
    { text: 'hush\u00a0', problem: /^contains a no-break space/ },
    { text: 'hu\tsh', problem: /^contains a character that cannot be seen/ },
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
