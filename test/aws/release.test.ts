import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root, toolEnvironment } from '../helpers/packaged.ts';

const run = promisify(execFile);
const scratch = mkdtempSync(join(tmpdir(), 'dli-reaper-release-'));
const folder = join(scratch, 'release');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const TGZ = `dli-job-reaper-${version}.tgz`;

const release = (cwd: string, ...args: string[]) =>
  run(process.execPath, ['scripts/release.ts', ...args], { cwd, env: toolEnvironment() });

/** A clone elsewhere, with what is not committed yet and packages of its own: npm would install the same ones. */
async function cloneTo(place: string): Promise<void> {
  const git = async (...args: string[]) => (await run('git', args, { cwd: root })).stdout;
  await git('clone', '--quiet', root, place);
  const changed = await git('ls-files', '-z', '--modified', '--others', '--exclude-standard');
  for (const file of new Set(changed.split('\0').filter(Boolean))) {
    rmSync(join(place, file), { force: true });
    if (existsSync(join(root, file))) cpSync(join(root, file), join(place, file));
  }
  const copy = (how: string) => run('cp', [how, join(root, 'node_modules'), join(place, 'node_modules')]);
  // Links to the same bytes, where both places are on one disk.
  await copy('-RPl').catch(() => copy('-RP'));
}

interface Template {
  Parameters: Record<string, { Default?: unknown }>;
  Resources: Record<string, { Type: string; Condition?: string; Properties: Record<string, unknown> }>;
}

let template: Template;

interface Sbom {
  components: { 'bom-ref': string; name: string; version: string; properties: object[] }[];
  dependencies: [{ dependsOn: string[] }];
}

/** The part of https://cyclonedx.org/schema/bom-1.6.schema.json that the document uses, and nothing else of it. */
const text = { type: 'string', minLength: 1 };
const all = (properties: Record<string, object>) => ({
  type: 'object',
  required: Object.keys(properties),
  additionalProperties: false,
  properties,
});
const list = (items: object) => ({ type: 'array', items, minItems: 1, uniqueItems: true });
const COMPONENT = {
  'bom-ref': text,
  name: text,
  version: text,
  purl: { type: 'string', pattern: '^pkg:npm/(%40[^/@]+/)?[^/@]+@[^@]+$' },
  licenses: {
    type: 'array',
    minItems: 1,
    maxItems: 1,
    items: {
      anyOf: [all({ license: all({ id: { type: 'string', pattern: '^[\\w.-]+$' } }) }), all({ expression: text })],
    },
  },
  properties: list(all({ name: text, value: text })),
};
const SBOM_SCHEMA = all({
  $schema: { const: 'http://cyclonedx.org/schema/bom-1.6.schema.json' },
  bomFormat: { const: 'CycloneDX' },
  specVersion: { const: '1.6' },
  version: { const: 1 },
  metadata: all({ component: all({ type: { const: 'application' }, ...COMPONENT }) }),
  components: list(
    all({
      type: { const: 'library' },
      hashes: list(all({ alg: { const: 'SHA-512' }, content: { type: 'string', pattern: '^[a-f0-9]{128}$' } })),
      ...COMPONENT,
    }),
  ),
  dependencies: list(all({ ref: text, dependsOn: list(text) })),
});

beforeAll(async () => {
  await release(root, folder);
  template = JSON.parse(readFileSync(join(folder, 'template.json'), 'utf8')) as Template;
});
afterAll(() => rmSync(scratch, { recursive: true }));

describe('the folder of npm run release', () => {
  it('has all that belongs to a version, and the zips that its template names', () => {
    expect(readdirSync(folder).toSorted()).toEqual([
      'CHANGES.md',
      'SHA256SUMS',
      'THIRD-PARTY-LICENSES.txt',
      'dispatch.zip',
      TGZ,
      'notify.zip',
      'sbom.cdx.json',
      'sweep.zip',
      'template.json',
    ]);
    const functions = Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
    expect(functions.map(({ Properties }) => String(Properties.Code)).toSorted()).toEqual([
      'dispatch.zip',
      'notify.zip',
      'sweep.zip',
    ]);
    expect(readFileSync(join(folder, 'CHANGES.md'), 'utf8')).toMatch(/^## Unreleased\n/);
  });

  it('has a checksum of each other file, in the form that sha256sum checks', async () => {
    const { stdout } = await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: folder });

    const checked = stdout.trim().split('\n');
    expect(checked).toEqual(
      readdirSync(folder)
        .filter((name) => name !== 'SHA256SUMS')
        .toSorted()
        .map((name) => `${name}: OK`),
    );
  });

  it('is the same, byte by byte, if it is made in another place, and is no version without its tag', async () => {
    const place = join(scratch, 'of another person', 'checkout');
    const again = join(scratch, 'again');
    await cloneTo(place);

    await release(place, again);

    for (const name of readdirSync(folder)) {
      expect(readFileSync(join(again, name)).equals(readFileSync(join(folder, name))), name).toBe(true);
    }

    writeFileSync(join(place, 'CHANGELOG.md'), '# Changelog\n\n## Unreleased\n');
    await expect(release(place, again, '--tag', 'v9.9.9')).rejects.toMatchObject({
      code: 1,
      stderr:
        `This is not v9.9.9: package.json has the version ${version}; there are changes that are not committed; ` +
        `HEAD does not have this tag; CHANGELOG.md has no section ${version}.\n`,
    });
    await expect(release(place, again, '--tag')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^This is not a version: /) as string,
    });
    expect(readdirSync(again)).toEqual(readdirSync(folder));
  });

  it('names each package in each bundle, with version, license and hash, in the form of CycloneDX', () => {
    const sbom = JSON.parse(readFileSync(join(folder, 'sbom.cdx.json'), 'utf8')) as Sbom;
    const ajv = new Ajv({ allErrors: true });

    expect(ajv.validate(SBOM_SCHEMA, sbom), ajv.errorsText()).toBe(true);
    const holders = (name: string) =>
      sbom.components.filter((component) => component.name === name).flatMap(({ properties }) => properties);
    const named = (...files: string[]) => files.map((value) => ({ name: 'dli-job-reaper:artefact', value }));
    expect(holders('@aws-sdk/client-ssm')).toEqual(named('dispatch.zip', 'notify.zip', 'sweep.zip', TGZ));
    expect(holders('@aws-sdk/client-dynamodb')).toEqual(named('notify.zip', TGZ));
    expect(holders('commander')).toEqual(named(TGZ));
    // It is in the page of `report`, which is a text in the bundle.
    expect(holders('@observablehq/plot')).toEqual(named(TGZ));
    expect(holders('esbuild')).toEqual([]);
    const refs = sbom.components.map((component) => component['bom-ref']);
    expect(new Set(refs).size).toBe(refs.length);
    expect(sbom.dependencies[0].dependsOn).toEqual(refs);
    const licenses = readFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    for (const { name, version } of sbom.components) expect(licenses).toContain(`\n${name} ${version} (`);
  });

  it('holds the name of no stage, region, account or machine', () => {
    const all = JSON.stringify(template);

    expect(all).not.toMatch(/stage-of-the-release|eu-central-1|000000000000|undefined|\[object/);
    expect(all).not.toContain(root);
    expect(all).not.toMatch(/"(RoleName|ManagedPolicyName)"/);
  });

  it('has a parameter for the stage and for each ceiling, and both profiles', () => {
    expect(Object.keys(template.Parameters).toSorted()).toEqual([
      'AlarmTopic',
      'AllMayCancel',
      'EmergencyKills',
      'EmergencyKillsPerDay',
      'KeptKey',
      'KillsPerDay',
      'KillsPerSweep',
      'LogRetentionDays',
      'MaxConcurrency',
      'OwnersPage',
      'Profile',
      'ShortestLimit',
      'Stage',
    ]);
    const under = (condition: string) =>
      Object.entries(template.Resources).flatMap(([name, { Condition }]) => (Condition === condition ? [name] : []));
    expect(under('IsSmall')).toEqual(['NoSweepAlarm', 'SweepNotOkAlarm']);
    expect(under('IsFull')).toContain('Dashboard');
    expect(under('IsFull')).toHaveLength(18);
    expect(template.Resources.CouldNotRunAlarm).not.toHaveProperty('Condition');
  });
});
