import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tokens } from 'marked';
import { describe, expect, it } from 'vitest';
import { resourcesOf } from '../helpers/deploy-parts.ts';
import { anchorsOf, DOCS, isOf, linksOf, readPage, tokensOf } from '../helpers/pages.ts';

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
