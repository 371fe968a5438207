import { writeFileSync } from 'node:fs';
import type { JsonSchema } from '@valibot/to-json-schema';
import { Document } from 'yaml';
import { POLICY_EXAMPLES, SELECTOR_EXAMPLES } from './policy-examples.ts';
import { policyJsonSchema } from './policy-schema.ts';

/*
 * Writes docs/policy-reference.md from the schema in the code.
 *
 *     npm run schema
 */

interface Key {
  /** Without its place. */
  name: string;
  schema: JsonSchema;
  isRequired: boolean;
}

const SECTIONS = [
  { place: '', title: 'The policy' },
  { place: 'rules', title: 'A rule, in `rules`' },
  { place: 'rules.keep', title: 'Jobs that a group keeps, in `keep` of a rule' },
  { place: 'exemptions', title: 'An exemption, in `exemptions`' },
  { place: 'freezes', title: 'A freeze, in `freezes`' },
  { place: 'freezes.recurring', title: 'Recurring days, in `recurring` of a freeze' },
  { place: 'notices', title: 'A route of messages, in `notices`' },
  { place: 'tagExemptions', title: 'Exemption by tags, in `tagExemptions`' },
] as const;

/** The places that select jobs, with the words for them. */
const SELECTORS = [
  { place: 'rules.match', words: 'rules' },
  { place: 'exemptions.match', words: 'exemptions' },
  { place: 'freezes.match', words: 'freezes' },
  { place: 'notices.match', words: 'notices' },
] as const;

/** The places whose keys have a table of their own, and those whose keys select jobs. */
export const PLACES = SECTIONS.map(({ place }) => place);
export const SELECTOR_PLACES = SELECTORS.map(({ place }) => place);

/** Returns the keys of an object in the schema, at a place such as `rules.match`. */
export function keysAt(place: string): Key[] {
  const found = place === '' ? policyJsonSchema() : place.split('.').reduce(inside, policyJsonSchema());
  const { properties = {}, required = [] } = objectOf(found);
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    schema: schema as JsonSchema,
    isRequired: required.includes(name),
  }));
}

const inside = (schema: JsonSchema, key: string): JsonSchema => objectOf(schema).properties?.[key] as JsonSchema;

/** Returns the object that a schema describes, in a list or as one of several forms. */
function objectOf(schema: JsonSchema): JsonSchema {
  if (schema.properties !== undefined) return schema;
  if (schema.items !== undefined) return objectOf(schema.items as JsonSchema);
  const forms = (schema.anyOf ?? []) as JsonSchema[];
  return forms.find((form) => form.properties !== undefined) ?? {};
}

/** Returns the text of the file. */
export function renderPolicyReference(): string {
  return [
    '# Every key of a policy',
    '',
    'This page is for you if you look up one key. [policy.md](policy.md) explains what rules, exemptions and freezes do together. This',
    'page is made from the schema in the code (`npm run schema`), and each example is tried by a test.',
    ...SECTIONS.flatMap(({ place, title }) => ['', `## ${title}`, '', ...tableOf(place)]),
    '',
    '## What selects jobs, in `match` and `ignore`',
    '',
    'All keys must hold. Within a key any value is enough, so each takes one value or a list.',
    '',
    ...selectorTable(),
    '',
  ].join('\n');
}

function tableOf(place: string): string[] {
  const rows = keysAt(place).map(({ name, schema, isRequired }) => {
    const { value } = POLICY_EXAMPLES[[place, name].filter(Boolean).join('.')] ?? { value: undefined };
    const usual = schema.default === undefined ? (isRequired ? 'required' : '') : code(schema.default);
    return `| \`${name}\` | ${valuesOf(schema)} | ${usual} | ${schema.description ?? ''} | ${code({ [name]: value })} |`;
  });
  return ['| key | value | default | meaning | example |', '|---|---|---|---|---|', ...rows];
}

function selectorTable(): string[] {
  const keys = new Map<string, { schema: JsonSchema; where: string[] }>();
  for (const { place, words } of SELECTORS) {
    for (const { name, schema } of keysAt(place)) {
      const known = keys.get(name) ?? { schema, where: [] };
      keys.set(name, { ...known, where: [...known.where, words] });
    }
  }
  const rows = [...keys].map(([name, { schema, where }]) => {
    const { value } = SELECTOR_EXAMPLES[name] ?? { value: undefined };
    return `| \`${name}\` | ${valuesOf(schema)} | ${where.join(', ')} | ${schema.description ?? ''} | ${code({ [name]: value })} |`;
  });
  return ['| key | value | in | meaning | example |', '|---|---|---|---|---|', ...rows];
}

/** Says which values a key takes. */
function valuesOf(schema: JsonSchema): string {
  const { anyOf, const: only, enum: words, type, items, minimum, maximum } = schema;
  if (only !== undefined) return code(only);
  if (words !== undefined) return words.map(code).join(', ');
  if (anyOf !== undefined) {
    const [one, other] = anyOf as JsonSchema[];
    const isOneOrMany = other?.items !== undefined && one?.items === undefined;
    return isOneOrMany && one !== undefined ? valuesOf(one) : (anyOf as JsonSchema[]).map(valuesOf).join(' or ');
  }
  if (type === 'array') return items === undefined ? 'a list' : `a list: ${valuesOf(items as JsonSchema)}`;
  if (type === 'boolean') return '`true`, `false`';
  if (type === 'integer' || type === 'number') {
    return `a whole number${minimum === undefined ? '' : `, ${minimum} or more`}${maximum === undefined ? '' : `, at most ${maximum}`}`;
  }
  return type === 'object' ? 'keys, see below' : 'a text';
}

/** Writes a value as YAML on one line, as code in a cell of a table. */
function code(value: unknown): string {
  const document = new Document(value);
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  const text = document.toString({ collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false }).trim();
  return `\`${(isMap ? text.replace(/^\{(.*)\}$/s, '$1') : text).replaceAll('|', '\\|')}\``;
}

if (import.meta.main) {
  writeFileSync(new URL('../docs/policy-reference.md', import.meta.url), renderPolicyReference());
}
