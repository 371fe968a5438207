import { writeFileSync } from 'node:fs';
import { type ConversionConfig, type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import { policySchema } from '../lib/policy/schema.ts';

/*
 * Writes policy.schema.json from the schema in the code. Editors use it to complete and check a policy.
 *
 *     npm run schema
 */

/** Skips the checks that JSON Schema cannot express. `dli-reaper validate` makes them. */
const config: ConversionConfig = {
  typeMode: 'input',
  errorMode: 'ignore',
  overrideSchema: ({ jsonSchema, valibotSchema }) => {
    const isStrict = valibotSchema.type === 'object_with_rest';
    return isStrict ? { ...jsonSchema, additionalProperties: false } : undefined;
  },
  overrideAction: ({ jsonSchema, valibotAction }) => {
    // Some values that the code parses itself also have a pattern for editors.
    const metadata = 'metadata' in valibotAction ? (valibotAction.metadata as { pattern?: string }) : {};
    return metadata.pattern === undefined ? undefined : { ...jsonSchema, pattern: metadata.pattern };
  },
};

/** Returns the text of the file. */
export function renderPolicySchema(): string {
  const schema: JsonSchema = {
    title: 'Policy of dli-job-reaper',
    description: 'Which DLI jobs may run for how long, and what happens to those that exceed it. See docs/policy.md.',
    ...toJsonSchema(policySchema, config),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

if (import.meta.main) writeFileSync(new URL('../policy.schema.json', import.meta.url), renderPolicySchema());
