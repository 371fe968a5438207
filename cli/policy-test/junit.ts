import { cleanLines, cleanText, counted, oneLine } from '../screen/text.ts';
import type { TestResult } from './run.ts';
import { countsOf, formatFailure } from './screen.ts';
import type { RanFile } from './test.ts';

/**
 * Makes the XML that CI systems read as the result of tests: a suite for each file. It says no times, since none are measured.
 *
 * @see https://github.com/testmoapp/junitxml
 */
export function toJunit(files: readonly RanFile[]): string {
  const suites = element('testsuites', { name: 'dli-reaper test', ...junitCounts(files) }, files.map(suiteOf));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${suites}\n`;
}

function suiteOf(ran: RanFile): string {
  const { file, problem, results } = ran;
  const cases =
    problem === undefined
      ? results.map((result) => caseOf(file, result))
      : [
          element('testcase', { classname: file, name: 'can be run' }, [
            element('error', { message: oneLine(problem) }),
          ]),
        ];
  return element('testsuite', { name: file, ...junitCounts([ran]) }, cases);
}

/** A file that could not be run counts as one test. */
function junitCounts(files: readonly RanFile[]) {
  const { tests, failed, unreadable } = countsOf(files);
  return { tests: tests + unreadable, failures: failed, errors: unreadable };
}

function caseOf(file: string, { name, failures }: TestResult): string {
  const [first, ...others] = failures;
  if (first === undefined) return element('testcase', { classname: file, name });
  const more = others.length === 0 ? '' : `; and ${counted(others.length, 'more failure')}`;
  const message = `expected ${first.expected}; found ${first.found}${more}`;
  const words = escaped(cleanLines(failures.map(formatFailure).join('\n')));
  return element('testcase', { classname: file, name }, [
    `<failure message="${attribute(message)}">${words}</failure>`,
  ]);
}

function element(name: string, attributes: Record<string, string | number>, children: readonly string[] = []): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${attribute(String(value))}"`);
  const start = `<${name}${written.join('')}`;
  if (children.length === 0) return `${start}/>`;
  return `${start}>\n${children.join('\n')}\n</${name}>`;
}

const attribute = (text: string): string => escaped(cleanText(text));

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** XML 1.0 allows neither half a character nor U+FFFE and U+FFFF, not even escaped. */
const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[\uFFFE\uFFFF]/g, '\uFFFD')
    .replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
