import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { renderReportSchema } from '../../../scripts/report-schema.ts';

describe('docs/report.schema.json', () => {
  const text = readFileSync(new URL('../../../docs/report.schema.json', import.meta.url), 'utf8');

  it('is what scripts/report-schema.ts says; `npm run schema` writes it', () => {
    expect(text).toBe(renderReportSchema());
  });

  it('takes every document by its kind, and none with a field that is not written down', () => {
    const isDocument = new Ajv().compile(JSON.parse(text) as object);
    const switched = { kind: 'switch', stage: 'dev', isOn: true, version: 1 };

    expect(isDocument(switched)).toBe(true);
    expect(isDocument({ ...switched, by: 'somebody' })).toBe(false);
    expect(isDocument({ ...switched, kind: 'other' })).toBe(false);
  });
});
