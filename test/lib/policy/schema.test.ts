import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../lib/base/duration.ts';
import { renderPolicySchema } from '../../../scripts/policy-schema.ts';

describe('policy.schema.json', () => {
  const text = readFileSync(new URL('../../../policy.schema.json', import.meta.url), 'utf8');

  it("is what the code's own schema says; `npm run schema` writes it", () => {
    expect(text).toBe(renderPolicySchema());
  });

  it('allows no other keys', () => {
    const objects = [...text.matchAll(/"type": "object"/g)].length;

    expect([...text.matchAll(/"additionalProperties": false/g)]).toHaveLength(objects);
  });

  it('asks for what has to be there', () => {
    const schema = JSON.parse(text) as { required: string[]; properties: { rules: { items: { required: string[] } } } };

    expect(schema.required).toEqual(['version', 'rules']);
    expect(schema.properties.rules.items.required).toEqual(['id', 'match']);
  });

  it('has a pattern for the durations that the code reads, and for no others', () => {
    const schema = JSON.parse(text) as {
      properties: { tagExemptions: { properties: { ceiling: { pattern: string } } } };
    };
    const pattern = new RegExp(schema.properties.tagExemptions.properties.ceiling.pattern);
    const part = fc.tuple(fc.nat({ max: 99 }).map(String), fc.constantFrom('', 'w', 'd', 'h', 'm', 's', 'y', ' '));
    const written = fc
      .array(
        part.map((both) => both.join('')),
        { maxLength: 3 },
      )
      .map((parts) => parts.join(''));
    const isRead = (duration: string) => {
      try {
        parseDuration(duration);
        return true;
      } catch {
        return false;
      }
    };

    fc.assert(
      fc.property(written, (duration) => {
        expect(pattern.test(duration)).toBe(isRead(duration));
      }),
    );
  });
});
