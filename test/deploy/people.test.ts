import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** The rows of a table, each with the code in its cells. */
function tableIn(path: string, head: string): { text: string[]; code: string[][] }[] {
  const text = read(path);
  const begin = text.indexOf(head);
  if (begin < 0) throw new Error(`${path} has no table ${head}`);
  const [table = ''] = text.slice(begin).split('\n\n');
  return table
    .split('\n')
    .slice(2)
    .map((row) => {
      const cells = row.split('|').slice(1, -1);
      const codeIn = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
      return { text: cells.map((cell) => cell.trim()), code: cells.map(codeIn) };
    });
}

const AUDIT = 'the `aws` commands of [audit.md](audit.md)';

/** The rights that docs/cli.md says a verb needs. */
const RIGHTS = new Map(
  tableIn('docs/cli.md', '| verb | rights |').flatMap(({ text: [verbs = ''], code: [names = [], rights = []] }) =>
    (verbs === AUDIT ? [AUDIT] : names).map((verb): [string, string[]] => [verb, rights]),
  ),
);

interface Statement {
  Action: string | string[];
  Resource: string | string[];
}

const { Resources } = parseDocument(read('deploy/people.yml'), { logLevel: 'silent' }).toJS() as {
  Resources: Record<string, { Properties: { PolicyDocument: { Statement: Statement[] } } }>;
};
const POLICIES = Object.entries(Resources).map(([name, { Properties }]) => ({
  name,
  statements: Properties.PolicyDocument.Statement,
}));
const ROLES = tableIn('docs/deploy.md', '| policy | verbs | may change | give it to |').map(
  ({ text: [name = '', verbs = ''], code: [, names = []] }) => ({
    name: name.replace(/[`…]/g, ''),
    verbs: verbs.endsWith(AUDIT) ? [...names.filter((one) => one !== 'aws'), AUDIT] : names,
  }),
);

describe('the rights for people', () => {
  it('are those of docs/deploy.md', () => {
    expect(ROLES.map(({ name }) => name)).toEqual(POLICIES.map(({ name }) => name));
  });

  it.each(ROLES)('are for $name what its verbs need, and nothing more: $verbs', ({ name, verbs }) => {
    const statements = POLICIES.find((one) => one.name === name)?.statements ?? [];

    const needed = verbs.map((verb) => RIGHTS.get(verb) ?? [`docs/cli.md says nothing of ${verb}`]);

    const given = new Set(statements.flatMap(({ Action }) => Action));
    expect([...given].sort()).toEqual([...new Set(needed.flat())].sort());
  });

  it.each(POLICIES)('reach with $name no further than one stage', ({ statements }) => {
    const resources = statements
      .filter(({ Action }) => Action !== 'cloudtrail:LookupEvents')
      .flatMap(({ Resource }) => Resource);

    for (const resource of resources) {
      expect(resource).toMatch(/\$\{self:provider\.stage\}|^CredentialsKey\.Arn$/);
    }
  });

  it('let no one but on-call decrypt, and no one write a credential or a function', () => {
    const actions = (name: string) =>
      POLICIES.find((one) => one.name === name)?.statements.flatMap(({ Action }) => Action) ?? [];
    const decrypting = POLICIES.filter(({ name }) => actions(name).includes('kms:Decrypt')).map(({ name }) => name);
    const writing = POLICIES.flatMap(({ statements }) => statements)
      .filter(({ Action }) => [Action].flat().includes('ssm:PutParameter'))
      .flatMap(({ Resource }) => Resource);

    expect(decrypting).toEqual(['OnCall']);
    expect(writing.filter((resource) => resource.includes('/credentials/'))).toEqual([]);
    expect(
      POLICIES.flatMap(({ name }) => actions(name)).filter((action) => action.startsWith('lambda:Update')),
    ).toEqual([]);
  });
});
