import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** The part of JSON Schema that docs/report.schema.json uses for fields. */
interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  const?: unknown;
  enum?: unknown[];
}

const read = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

const schema = JSON.parse(read('report.schema.json')) as Schema;

const KINDS: Readonly<Record<string, string>> = { sweep: 'sweep', plan: 'sweep', jobs: 'jobs', why: 'why' };

const formsOf = (one: Schema): Schema[] => [one, ...[...(one.anyOf ?? []), ...(one.oneOf ?? [])].flatMap(formsOf)];

const fieldsOf = (forms: readonly Schema[], name: string): Schema[] =>
  forms.flatMap(formsOf).flatMap((one) => one.properties?.[name] ?? []);

const itemsOf = (forms: readonly Schema[]): Schema[] => forms.flatMap(formsOf).flatMap((one) => one.items ?? []);

/** Follows a path such as `.jobs[]`. */
function follow(from: readonly Schema[], path: string): Schema[] {
  return [...path.matchAll(/\.(\w+)|\[\]/g)].reduce<Schema[]>(
    (forms, [, name]) => (name === undefined ? itemsOf(forms) : fieldsOf(forms, name)),
    [...from],
  );
}

/** Every path of a filter, with the schemas that it leads to. Each step of a filter begins where a path alone led. */
function pathsIn(filter: string, document: Schema): { path: string; found: Schema[]; wanted?: string }[] {
  let here: Schema[] = [document];
  return filter.split(' | ').flatMap((step) => {
    const paths = [...step.matchAll(/(\.\w[\w.[\]]*)(?: == "([^"]*)")?/g)].map(([, path = '', wanted]) => ({
      path,
      found: follow(here, path),
      ...(wanted !== undefined && { wanted }),
    }));
    if (/^\.[\w.[\]]+$/.test(step)) here = follow(here, step);
    return paths;
  });
}

describe('docs/json.md', () => {
  const rows = [...read('json.md').matchAll(/^\| `([\w.[\]]+)` \| .* \| `(\w+) .*?jq (?:-r )?'(.*)'` \|$/gm)].map(
    ([, field = '', verb = '', filter = '']) => ({ field, verb, filter: filter.replaceAll('\\|', '|') }),
  );

  it('names ten fields', () => {
    expect(rows).toHaveLength(10);
  });

  it.each(rows)(
    'has $field as the schema has it, and a filter of fields that are there: $filter',
    ({ field, verb, filter }) => {
      const document = (schema.anyOf ?? schema.oneOf ?? []).find((one) => one.properties?.kind?.const === KINDS[verb]);

      expect(document).toBeDefined();
      if (document === undefined) return;
      expect(follow([document], `.${field}`)).not.toEqual([]);
      for (const { path, found, wanted } of pathsIn(filter, document)) {
        expect(found, path).not.toEqual([]);
        if (wanted !== undefined) expect(found.flatMap(formsOf).flatMap((one) => one.enum ?? [])).toContain(wanted);
      }
    },
  );
});
