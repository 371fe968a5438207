import { describe, expect, it } from 'vitest';
import { packed, unpack } from '../../../cli/report/packed.ts';
import { madeContent } from '../../browser/made-content.ts';

describe('packed', () => {
  it('comes back with every field of every case, and with the rest as it was', () => {
    const content = madeContent({ days: 40, cases: 500 });
    const { aggregates, cases, whys, ...facts } = content;

    const opened = unpack([...packed(content)].join(''));

    const isoOf = (at: number) => new Date(at).toISOString();
    const back = opened.cases.map((one) =>
      Object.fromEntries(
        Object.keys(cases[0] ?? {}).map((field) => {
          const value = one[field as keyof typeof one];
          return [field, field.endsWith('At') ? isoOf(Number(value)) : value];
        }),
      ),
    );
    expect(back).toEqual(cases);
    expect(opened.cases.map(({ index }) => index)).toEqual(cases.map((_, index) => index));
    expect(opened.facts).toEqual(facts);
    expect(opened.aggregates).toEqual(aggregates);
    expect([...opened.whys]).toEqual(whys.map(({ index, why }) => [index, why]));
  });
});
