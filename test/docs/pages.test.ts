import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { Tokens } from 'marked';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createProgram } from '../../cli/verbs/all.ts';
import { parseFaults } from '../../emulator/control/fault-file.ts';
import { parseDispatch } from '../../lib/fleet/parse-dispatch.ts';
import { readRoutes } from '../../lib/notify/routes.ts';
import { parseExemption, parseFreeze, parsePolicy } from '../../lib/policy/parse.ts';
import { ParameterValues } from '../../lib/settings/parameter-store.ts';
import { resourcesOf } from '../helpers/deploy-parts.ts';
import { anchorsOf, blocksOf, DOCS, isOf, linksOf, readPage, tokensOf } from '../helpers/pages.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PAGES = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs/README.zh-CN.md', ...DOCS].filter(
  (path) => existsSync(join(root, path)),
);

/** The links of a page that lead nowhere. */
function deadLinks(path: string): string[] {
  return linksOf(path).filter((href) => {
    const [file = '', anchor] = href.split('#');
    const to = file === '' ? path : normalize(join(dirname(path), file));
    if (!existsSync(join(root, to))) return true;
    return anchor !== undefined && to.endsWith('.md') && !anchorsOf(to).has(anchor);
  });
}

/** The sentences of paragraphs, lists and tables. */
function sentencesOf(path: string): string[] {
  const texts = tokensOf(path).flatMap((token) => {
    if (token.type === 'paragraph') return [(token as Tokens.Paragraph).text];
    if (token.type === 'list_item') {
      // A paragraph within it is a token of its own.
      return (token as Tokens.ListItem).tokens.flatMap((part) => (part.type === 'text' ? [part.raw] : []));
    }
    if (token.type !== 'table') return [];
    const { header, rows } = token as Tokens.Table;
    return [...header, ...rows.flat()].map(({ text }) => text);
  });
  // A link counts as its words, and not as its address.
  return texts.flatMap((text) => text.replaceAll(/\]\([^)]*\)/g, ']').split(/(?<=[.!?:])["*]*\s+(?=\S)/));
}

const wordsOf = (sentence: string) => sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));

describe('the pages', () => {
  it.each(PAGES)('%s has no link that leads nowhere', (path) => {
    expect(deadLinks(path)).toEqual([]);
  });

  it('are all in the index', () => {
    const listed = linksOf('docs/index.md').map((href) => normalize(join('docs', href.split('#')[0] ?? '')));

    expect(DOCS.filter((path) => path !== 'docs/index.md' && !listed.includes(path))).toEqual([]);
  });

  it.each(DOCS.filter((path) => path !== 'docs/index.md'))('%s opens with the people whom it is for', (path) => {
    const [first] = tokensOf(path).filter(isOf<Tokens.Paragraph>('paragraph'));

    expect(first?.text).toMatch(/^(This page is for|For) /);
  });
});

/** Reads a document of the pages as the program does, by what it is. @throws {Error} if it is not valid. */
function readDocument(document: unknown): unknown {
  if (Array.isArray(document)) return parseFaults(document);
  const fields = document as Record<string, unknown>;
  const has = (...names: string[]) => names.every((name) => name in fields);
  if (has('rules')) return parsePolicy(fields);
  if (has('notices'))
    return parsePolicy({ version: 1, rules: [{ id: 'r', maxRunTime: '2h', match: { queue: 'q' } }], ...fields });
  if (has('kind', 'dryRun')) {
    return parseDispatch({ ...fields, askedAt: new Date(0).toISOString() }, { id: 'd', now: 0 });
  }
  if (has('id', 'until')) return parseExemption(fields);
  if (has('id', 'recurring')) return parseFreeze(fields);
  if (has('to', 'webhook')) {
    const values = new ParameterValues();
    values.add({ Name: 'route', Value: JSON.stringify({ ...fields, fallback: true }) });
    return readRoutes(values, 'prod', (_, error) => {
      throw error;
    });
  }
  // Not of this program: rights, events and what other programs read. A test of a policy names a file.
  return has('Statement') ||
    has('Policy') ||
    has('Sid') ||
    has('msg') ||
    has('detail') ||
    has('tests') ||
    has('project_id')
    ? fields
    : undefined;
}

const DOCUMENTS = ['README.md', ...DOCS].flatMap((path) =>
  [...blocksOf(path, 'yaml'), ...blocksOf(path, 'json')].map((text) => ({ path, text, begins: text.slice(0, 30) })),
);

describe('the documents on the pages', () => {
  it.each(DOCUMENTS)('$path: $begins is read as the program reads it', ({ text }) => {
    expect(readDocument(parse(text))).toBeDefined();
  });
});

const program = createProgram({ env: {}, out: () => {}, err: () => {}, stdin: () => Readable.from([]) });

/** What is wrong with a command in the middle of a sentence: no such verb, or a flag that the verb does not have. */
function mistakesIn(text: string): string[] {
  const [, line = ''] = /^(?:npx )?dli-reaper ([^|>&]*)/.exec(text) ?? [];
  let verb: Command = program;
  for (const word of line.split(' ')) {
    const next = verb.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next === undefined) break;
    verb = next;
  }
  if (verb === program && /^[a-z]/.test(line)) return [`${text}: no such verb`];
  const known = verb.options.map(({ long }) => long);
  return [...line.matchAll(/(?:^|\s)(--[a-z-]+)/g)].flatMap(([, flag = '']) =>
    [...known, '--help', '--version', '--no-color'].includes(flag) ? [] : [`${text}: no such flag ${flag}`],
  );
}

describe('the commands in sentences', () => {
  it.each(['README.md', 'CONTRIBUTING.md', ...DOCS])('%s has only verbs and flags that there are', (path) => {
    const spans = tokensOf(path).filter(isOf<Tokens.Codespan>('codespan'));

    expect(spans.flatMap(({ text }) => mistakesIn(text.replaceAll('\n', ' ')))).toEqual([]);
  });
});

describe('the runbook', () => {
  it.each(['full', 'small'])('has a heading for each alarm of the profile %s, which leads to it', async (profile) => {
    const anchors = anchorsOf('docs/runbook.md');
    for (const { Properties } of Object.values(await resourcesOf('alarms', { profile }))) {
      const { AlarmName, AlarmDescription } = Properties as { AlarmName: string; AlarmDescription: string };
      const name = AlarmName.replace('dli-job-reaper-dev-', '');

      expect(AlarmDescription).toMatch(new RegExp(`: docs/runbook.md#${name}$`));
      expect(anchors).toContain(name);
    }
  });
});

describe('README.md', () => {
  it('is short', () => {
    expect(readPage('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(150);
  });

  it('has no sentence of more than 25 words', () => {
    expect(sentencesOf('README.md').filter((sentence) => wordsOf(sentence).length > 25)).toEqual([]);
  });
});
