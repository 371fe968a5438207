import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { changesOf } from '../../scripts/changes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

const PAGES = [
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs/architecture.md',
  'docs/decisions/0009-dependencies.md',
];
const FOLDERS = readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);
/** What a build writes. */
const BUILT = /^(dist|release)\//;

/** The name of a heading in a link, as GitHub makes it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

const anchorsOf = (file: string) =>
  [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));

describe.each(PAGES)('%s', (page) => {
  const text = read(page);

  it('links to pages and headings that exist', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)];
    const broken = links.filter(([, path = '', heading]) => {
      const file = path === '' ? page : join(dirname(page), path);
      return !existsSync(join(root, file)) || (heading !== undefined && !anchorsOf(file).includes(heading));
    });

    expect(broken.map(([link]) => link)).toEqual([]);
  });

  it('names files and scripts that exist', () => {
    const spans = [...text.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
    const paths = spans.filter(
      (span) => /^[\w.-]+(\/[\w.-]+)*\/?$/.test(span) && FOLDERS.includes(span.split('/')[0] ?? ''),
    );
    const commands = [...text.matchAll(/`[^`]*npm run ([\w:]+)[^`]*`/g)].map(([, name = '']) => name);

    expect(paths.filter((path) => !BUILT.test(path) && !existsSync(join(root, path)))).toEqual([]);
    expect(commands.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

describe('the part of the changelog that goes into a release', () => {
  const CHANGELOG =
    '# Changelog\n\n## Unreleased\n\n## 1.10.0 – 2026-02-01\n\n- new\n\n### Fixed\n\n- bug\n\n## [1.1.0]\n\n- old\n';

  it.each([
    { version: 'Unreleased', part: '## Unreleased\n' },
    { version: '1.10.0', part: '## 1.10.0 – 2026-02-01\n\n- new\n\n### Fixed\n\n- bug\n' },
    { version: '1.1.0', part: '## [1.1.0]\n\n- old\n' },
    { version: '1.1', part: undefined },
  ])('is that of $version and no other', ({ version, part }) => {
    expect(changesOf(CHANGELOG, version)).toBe(part);
  });
});
