import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lexer, type Token, type Tokens } from 'marked';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The pages of docs/, in the order of their names, without translations. */
export const DOCS = readdirSync(join(root, 'docs'))
  .filter((name) => /^[\w-]+\.md$/.test(name))
  .map((name) => `docs/${name}`)
  .toSorted();

export const readPage = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Every token of a page, at any depth, in its order. */
export function tokensOf(path: string): Token[] {
  const tokens: Token[] = [];
  const add = (more: readonly Token[]): void => {
    for (const token of more) {
      tokens.push(token);
      if (token.type === 'table') {
        for (const cell of [...(token as Tokens.Table).header, ...(token as Tokens.Table).rows.flat()])
          add(cell.tokens);
      } else if (token.type === 'list') add((token as Tokens.List).items);
      else if ('tokens' in token) add(token.tokens ?? []);
    }
  };
  add(lexer(readPage(path)));
  return tokens;
}

export const isOf =
  <T extends Token>(type: T['type']) =>
  (token: Token): token is T =>
    token.type === type;

/** The text of each fenced block of a language. */
export function blocksOf(path: string, language: string): string[] {
  return tokensOf(path)
    .filter(isOf<Tokens.Code>('code'))
    .flatMap(({ lang, text }) => (lang === language ? [text] : []));
}

/** The commands of a block of sh, each as one text: a loop or a quoted text may go over several lines. */
export function commandsOf(block: string): string[] {
  const commands: string[] = [];
  let open = '';
  for (const line of block.split('\n')) {
    open += open === '' ? line : `\n${line}`;
    if (!isWhole(open)) continue;
    const command = open.replace(/(^|\s{2,})#\s.*$/, '').trim();
    if (command !== '') commands.push(command);
    open = '';
  }
  if (open !== '') throw new Error(`a command does not end: ${open}`);
  return commands;
}

function isWhole(command: string): boolean {
  const count = (pattern: RegExp) => command.match(pattern)?.length ?? 0;
  const isQuoted = count(/"/g) % 2 === 1 || count(/'/g) % 2 === 1;
  return !isQuoted && !/[\\|]$/.test(command) && count(/^for /gm) === count(/^done$/gm);
}

/** The anchors of a page, as GitHub makes them of its headings. */
export function anchorsOf(path: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = tokensOf(path)
    .filter(isOf<Tokens.Heading>('heading'))
    .map(({ tokens }) => {
      const words = tokens.map((token) => ('text' in token ? String(token.text) : token.raw)).join('');
      const anchor = words
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-');
      const before = seen.get(anchor) ?? 0;
      seen.set(anchor, before + 1);
      return before === 0 ? anchor : `${anchor}-${before}`;
    });
  return new Set(anchors);
}

/** Where the links and pictures of a page lead, without those to other sites. */
export function linksOf(path: string): string[] {
  return tokensOf(path)
    .flatMap((token) => (token.type === 'link' || token.type === 'image' ? [String((token as Tokens.Link).href)] : []))
    .filter((href) => !/^[a-z]+:/.test(href));
}
