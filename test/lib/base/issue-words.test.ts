import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { issueWords } from '../../../lib/base/issue-words.ts';

const schema = v.strictObject({
  kind: v.literal('sweep', 'expected sweep'),
  tags: v.optional(v.array(v.strictObject({ key: v.string('expected a text') })), []),
});

const wordsOf = (document: unknown, options?: Parameters<typeof issueWords>[1]) =>
  v.safeParse(schema, document).issues?.map((issue) => issueWords(issue, options));

describe('issueWords', () => {
  it.each([
    { name: 'a key that is missing', document: {}, words: 'kind: missing' },
    { name: 'an unknown key', document: { kind: 'sweep', extra: 1 }, words: 'extra: unknown key' },
    { name: 'a wrong value', document: { kind: 'never' }, words: 'kind: expected sweep' },
    { name: 'a key below', document: { kind: 'sweep', tags: [{}] }, words: 'tags.0.key: missing' },
    { name: 'a value below', document: { kind: 'sweep', tags: [{ key: 1 }] }, words: 'tags.0.key: expected a text' },
  ])('names the place, and what is wrong there: $name', ({ document, words }) => {
    expect(wordsOf(document)).toEqual([words]);
  });

  it('lists the allowed keys after an unknown one, if it is given them', () => {
    expect(wordsOf({ kind: 'sweep', extra: 1 }, { allowed: ['kind', 'tags'] })).toEqual([
      'extra: unknown key; allowed: kind, tags',
    ]);
    expect(wordsOf({}, { allowed: ['kind', 'tags'] })).toEqual(['kind: missing']);
  });

  it('says what the document should be, if it is something else', () => {
    expect(wordsOf('text', { whole: 'expected an object' })).toEqual(['expected an object']);
    expect(wordsOf('text')).toEqual(['Invalid type: Expected Object but received "text"']);
  });
});
