import { writeFileSync } from 'node:fs';
import { type ConversionConfig, type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
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
    if (valibotSchema.type !== 'object_with_rest') return undefined;
    const { entries } = valibotSchema as unknown as { entries: Record<string, v.GenericSchema> };
    const properties = Object.entries(jsonSchema.properties ?? {}).map(([key, property]) => {
      // The conversion loses what stands after a transformation.
      const description = descriptionOf(entries[key]);
      return [key, description === undefined ? property : { ...(property as JsonSchema), description }];
    });
    return { ...jsonSchema, properties: Object.fromEntries(properties), additionalProperties: false };
  },
  overrideAction: ({ jsonSchema, valibotAction }) => {
    // Some values that the code parses itself also have a pattern for editors.
    const metadata = 'metadata' in valibotAction ? (valibotAction.metadata as { pattern?: string }) : {};
    return metadata.pattern === undefined ? undefined : { ...jsonSchema, pattern: metadata.pattern };
  },
};

/** Returns the description of a key, optional or not. */
function descriptionOf(schema: (v.GenericSchema & { wrapped?: v.GenericSchema }) | undefined): string | undefined {
  return schema === undefined ? undefined : (v.getDescription(schema) ?? descriptionOf(schema.wrapped));
}

/** Returns the schema of a policy. */
export const policyJsonSchema = (): JsonSchema => ({
  title: 'Policy of dli-job-reaper',
  description: 'Which DLI jobs may run for how long, and what happens to those that exceed it. See docs/policy.md.',
  ...toJsonSchema(policySchema, config),
});

/** Returns the text of the file. */
export const renderPolicySchema = (): string => `${JSON.stringify(policyJsonSchema(), null, 2)}\n`;

if (import.meta.main) writeFileSync(new URL('../policy.schema.json', import.meta.url), renderPolicySchema());
