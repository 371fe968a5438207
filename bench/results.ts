import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import Table from 'cli-table3';

/** What one part of the bench found out, a section of results.md. */
export interface Section {
  title: string;
  /** The command that makes it again. */
  command: string;
  /** What was measured, in a few sentences. */
  about: string;
  tables: Sheet[];
}

export interface Sheet {
  head: readonly string[];
  rows: readonly (readonly (string | number)[])[];
}

const FILE = new URL('results.md', import.meta.url);
const BEGINNING = `# Results of the bench

Written by \`npm run bench\`. Ratios count, and not milliseconds: they hold on other machines too. A cell shows the median, and
in brackets the least and the most. Each bound is shown beside the number that has to meet it.
`;

/** Puts the section in its place in results.md: that of the earlier one of the same title, or the end. */
export function writeSection(section: Section): void {
  const [, ...sections] = readResults().split(/^(?=## )/m);
  const text = toMarkdown(section);
  const index = sections.findIndex((one) => one.startsWith(`## ${section.title}\n`));
  sections.splice(index < 0 ? sections.length : index, 1, text);
  const all = sections.map((one) => one.trimEnd()).join('\n\n');
  writeFileSync(FILE, `${BEGINNING}\n${all}\n`);
}

function readResults(): string {
  try {
    return readFileSync(FILE, 'utf8');
  } catch {
    return BEGINNING;
  }
}

function toMarkdown({ title, command, about, tables }: Section): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |\n`;
  const shown = tables.map(({ head, rows }) => `${line(head)}${line(head.map(() => '---'))}${rows.map(line).join('')}`);
  return `## ${title}\n\n${about}\n\n\`${command}\` · ${machine()}\n\n${shown.join('\n')}`;
}

/** Day, processor, memory and Node of this run. */
function machine(): string {
  const [{ model } = { model: 'unknown processor' }, ...others] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const day = new Date().toISOString().slice(0, 10);
  return `${day} · ${1 + others.length} × ${model.trim()}, ${memory} GB, ${process.platform} · Node ${process.version}`;
}

export function printSection({ title, about, tables }: Section): void {
  process.stdout.write(`\n${title}\n${about}\n`);
  for (const { head, rows } of tables) {
    const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
    for (const row of rows) table.push([...row]);
    process.stdout.write(`${table.toString()}\n`);
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle) - 1] ?? Number.NaN)) / 2;
}

/** The median of times in ms, in seconds, with the least and the most. */
export function spread(values: readonly number[]): string {
  const seconds = (ms: number) => (ms / 1_000).toFixed(2);
  return `${seconds(median(values))} (${seconds(Math.min(...values))}–${seconds(Math.max(...values))})`;
}

/** A number beside the bound that it has to meet. */
export function against(value: number, bound: number, digits = 2): string {
  return `${value.toFixed(digits)} ≤ ${bound.toFixed(digits)}: ${value <= bound ? 'met' : '**missed**'}`;
}

export const count = (value: number): string => value.toLocaleString('en-US');
