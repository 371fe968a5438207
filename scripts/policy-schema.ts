import { writeFileSync } from 'node:fs';
import { type ConversionConfig, type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import { policySchema } from '../lib/policy/schema.ts';

/*
 * Writes policy.schema.json from the code's own schema, for editors to complete and check a policy by.
 *
 *     npm run schema
 */

/** What the code checks by functions and JSON Schema has no word for is left to `dli-reaper validate`. */
const config: ConversionConfig = {
  typeMode: 'input',
  errorMode: 'ignore',
  overrideSchema: ({ jsonSchema, valibotSchema }) => {
    const isStrict = valibotSchema.type === 'object_with_rest';
    return isStrict ? { ...jsonSchema, additionalProperties: false } : undefined;
  },
  overrideAction: ({ jsonSchema, valibotAction }) => {
    // Where the code has a pattern for what it reads itself, editors may have it too.
    const metadata = 'metadata' in valibotAction ? (valibotAction.metadata as { pattern?: string }) : {};
    return metadata.pattern === undefined ? undefined : { ...jsonSchema, pattern: metadata.pattern };
  },
};

/** The file's text. */
export function renderPolicySchema(): string {
  const schema: JsonSchema = {
    title: 'Policy of dli-job-reaper',
    description: 'Which DLI jobs may run for how long, and what happens to those that exceed it. See docs/policy.md.',
    ...toJsonSchema(policySchema, config),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

if (import.meta.main) writeFileSync(new URL('../policy.schema.json', import.meta.url), renderPolicySchema());
