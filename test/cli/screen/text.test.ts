import { describe, expect, it } from 'vitest';
import { cleanText, onlyPrintable } from '../../../cli/screen/text.ts';
import { createJsonLinesLog } from '../../../lib/base/log.ts';

const UNSEEN = [
  { name: 'a bell', text: '\u0007' },
  { name: 'DEL', text: '\u007f' },
  { name: 'NEL, a line feed of its own', text: '\u0085' },
  { name: 'a carriage return', text: '\r' },
  { name: 'a line separator', text: '\u2028' },
  { name: 'a paragraph separator', text: '\u2029' },
  { name: 'a bidi override', text: '\u202e' },
  { name: 'a bidi isolate', text: '\u2066' },
  { name: 'a zero-width space', text: '\u200b' },
  { name: 'a tag character', text: '\u{e0041}' },
];

describe('cleanText', () => {
  it.each([...UNSEEN, { name: 'a line feed', text: '\n' }, { name: 'a tab', text: '\t' }])(
    'shows that there was $name, and does not obey it',
    ({ text }) => {
      expect(cleanText(`a${text}b`)).toBe('a�b');
    },
  );

  it('takes colours and movements out', () => {
    expect(cleanText('a\u001b[31mb\u001b[2Jc\u009b2Jd')).toBe('abcd');
  });
});

describe('a terminal that shows only what can be seen', () => {
  function written(text: string) {
    const all: string[] = [];
    const write = (one: string) => void all.push(one);
    const terminal = onlyPrintable({
      env: {},
      out: write,
      err: write,
      ask: (question) => {
        write(question);
        return Promise.resolve('');
      },
    });
    terminal.out(text);
    terminal.err(text);
    void terminal.ask?.(text);
    return all;
  }

  it.each(UNSEEN)('gets no $name, on either stream or in a question', ({ text }) => {
    expect(written(`a${text}b`)).toEqual(['a�b', 'a�b', 'a�b']);
  });

  it.each([
    { name: 'our own colours', text: '\u001b[31mred\u001b[39m \u001b[1;4mbold\u001b[m' },
    { name: 'lines, of Windows as well, and tabs', text: 'a\nb\r\n\tc' },
    { name: 'all that can be seen', text: 'grüß 中文 \u{1f600} │ █▓░' },
  ])('gets $name as they are', ({ text }) => {
    expect(written(text)[0]).toBe(text);
  });

  it.each([
    { name: 'clears the screen', text: '\u001b[2J', shown: '�[2J' },
    { name: 'sets the title', text: '\u001b]0;x\u0007', shown: '�]0;x�' },
    { name: 'is a colour of another kind', text: '\u009b31m', shown: '�31m' },
    { name: 'looks like a colour', text: '\u0007[31m', shown: '�[31m' },
  ])('gets no sequence that $name', ({ text, shown }) => {
    expect(written(text)[0]).toBe(shown);
  });

  it('asks no one if no one is there', () => {
    expect(onlyPrintable({ env: {}, out: () => {}, err: () => {} }).ask).toBeUndefined();
  });
});

describe('a line of the log', () => {
  it('escapes what cannot be seen', () => {
    const lines: string[] = [];
    const log = createJsonLinesLog<{ notice: { notice: string } }>(
      (line) => void lines.push(line),
      () => 0,
    );

    log.warn('notice', { notice: 'a\u009b\u202e' });

    expect(lines).toEqual([
      '{"level":"warn","msg":"notice","timestamp":"1970-01-01T00:00:00.000Z","notice":"a\\u009b\\u202e"}\n',
    ]);
  });
});
