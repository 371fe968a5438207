import { ENGINE_NAMES, isJobId } from '../base/job.ts';
import { isPattern, isPatternOfNothing, splitTag } from './matcher.ts';

/** The keys of a selector whose values are patterns, or the key and value of a tag. */
export const TEXT_KEYS = ['queue', 'owner', 'name', 'statement', 'database', 'tag'] as const;

/** The keys of a selector that take free text. */
export type TextKey = (typeof TEXT_KEYS)[number] | 'jobId';

/** Checks how one value of a selector is written. @returns what is wrong, and what to write instead; undefined if nothing is. */
type Form = (text: string, key: TextKey) => string | undefined;

/**
 * Says why no job can have such a value, and what to write instead; undefined if a job may have it. A rule with such a value
 * would do nothing, and an exemption would protect nothing.
 */
export const whyNever: Form = (text, key) => firstOf(NEVER[key], text, key);

/**
 * Says what in a value looks like the syntax of another tool, and how to write it here; undefined if nothing does. A job may
 * have such a name, so this is a warning and not an error.
 */
export const whyForeign: Form = (text, key) => firstOf(FOREIGN[key], text, key);

function firstOf(forms: readonly Form[], text: string, key: TextKey): string | undefined {
  for (const form of forms) {
    const problem = form(text, key);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Decoders put U+FFFD in place of a character that they cannot read. */
const lost: Form = (text) =>
  text.includes('\ufffd') ? 'contains U+FFFD, which marks a character that was lost; type the text again' : undefined;

/** Invisible characters that come with copied text, such as marks of direction. Joiners are part of some scripts. */
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}]/u;

const unseen: Form = (text) => {
  const found = UNSEEN.exec(text)?.[0].codePointAt(0);
  if (found === undefined) return undefined;
  const code = found.toString(16).toUpperCase().padStart(4, '0');
  return `contains U+${code}, an invisible character; remove it`;
};

/** A value that begins like a pattern and does not end like one. A statement may begin with a comment. */
const halfPattern: Form = (text, key) => {
  const written = text.trim();
  if (!written.startsWith('/') || isPattern(text) || (key === 'statement' && written.startsWith('/*')))
    return undefined;
  return 'begins with / but is not a pattern; write a pattern as /…/, or as /…/i to ignore case, with nothing after it';
};

const blankOutside: Form = (text) =>
  text === text.trim() ? undefined : 'begins or ends with a space, and no job has such a value; remove the space';

/**
 * Finds `${NAME}` and `{{ name }}`. A glob for statements may contain them, since Spark SQL has such variables. In a pattern
 * `$` is the end of the text, so `${NAME}` matches nothing.
 */
const unfilled: Form = (text, key) => {
  const isVariable = /(?<!\\)\$\{[^{}]+\}/.test(text) && (key !== 'statement' || isPattern(text));
  const isTemplate = /\{\{.*\}\}/.test(text) && key !== 'statement';
  return isVariable || isTemplate ? 'contains a variable that was not filled in' : undefined;
};

const matchesNothing: Form = (text) =>
  isPatternOfNothing(text)
    ? 'is a pattern that matches nothing: there is text after $ or before ^; write \\$ or \\^ for the character itself'
    : undefined;

/** The characters of {@link noQueue}, and capitals, for which there is only a warning. */
const SIGNS_OF_QUEUES = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_';

const matchesNoQueue: Form = (text) =>
  isPatternOfNothing(text, SIGNS_OF_QUEUES)
    ? 'is a pattern that matches no queue: DLI keeps queue names in lower-case letters, digits and _'
    : undefined;

/** "Creating a Queue": lower-case letters, digits and underscores; a name in capitals is stored in lower case. */
const noQueue: Form = (text) => {
  if (isPattern(text) || /^[a-z0-9_*?]+$/.test(text)) return undefined;
  const meant = queuesMeantBy(text);
  const hint = meant === undefined ? '' : `; write ${meant}`;
  return `no queue has such a name: DLI keeps queue names in lower-case letters, digits and _${hint}`;
};

/** Guesses what `^Finance`, `%finance%` or `finance,closing` mean; undefined if that is unclear. */
function queuesMeantBy(text: string): string | undefined {
  const names = text.split(/[,|;]/).map((part) => {
    const name = part.trim().toLowerCase().replace('(?i)', '').replaceAll('.*', '*').replaceAll('%', '*');
    if (name.startsWith('^')) return name.endsWith('$') ? name.slice(1, -1) : `${name.slice(1)}*`;
    return name.endsWith('$') ? `*${name.slice(0, -1)}` : name;
  });
  if (!names.every((name) => /^[a-z0-9_*?]+$/.test(name))) return undefined;
  return names.length === 1 ? names[0] : `[${names.join(', ')}]`;
}

/**
 * "Submitting a SQL Job", tags: letters of any script, digits, space and `_ . : + - @`. `=` and `,` are allowed here as well,
 * since DLI's own filter has an escape for them, and `/`, since jobs may exempt themselves by tags with a slash.
 */
const noTag: Form = (text) => {
  const { key, value } = splitTag(text);
  if (key === '') return 'expected the key of a tag before the =';
  const isBlank = (part: string) => part !== part.trim();
  if (isBlank(key) || (value !== undefined && isBlank(value))) {
    return `has a space next to the key or the value, and no tag has that; write ${[key, value].flatMap((part) => part?.trim() ?? []).join('=')}`;
  }
  if (text.startsWith('/') || /[*?]/.test(text)) {
    const hint = /[/*?]/.test(key) ? 'name the key' : `write ${key} for any value`;
    return `tags are compared exactly, without patterns; ${hint}`;
  }
  if (/^\/.*\/i?$/.test(value ?? '')) {
    return `tags are compared exactly, without patterns; write ${key} for any value`;
  }
  const odd = /[^\p{L}\p{M}\p{N} _.:+\-@/=,]/u.exec(text)?.[0];
  return odd === undefined ? undefined : `no tag contains ${odd}`;
};

const noJobId: Form = (text) =>
  ENGINE_NAMES.some((engine) => isJobId(text, engine)) ? undefined : `expected ${JOB_ID}`;

/** The form of an id, for messages. */
export const JOB_ID = "the id of a job: 8-4-4-4-12 hexadecimal digits, or a Flink job's number";

const NAME: readonly Form[] = [lost, unseen, halfPattern, blankOutside, unfilled, matchesNothing];

const NEVER: Record<TextKey, readonly Form[]> = {
  queue: [lost, halfPattern, unfilled, matchesNothing, matchesNoQueue, noQueue],
  owner: NAME,
  name: NAME,
  database: NAME,
  statement: [lost, halfPattern, unfilled, matchesNothing],
  tag: [lost, unseen, unfilled, noTag],
  jobId: [noJobId],
};

/** Makes a check for globs only: in a pattern these characters have their usual meaning. */
const inGlob =
  (sign: RegExp, say: (text: string) => string): Form =>
  (text) =>
    !isPattern(text) && sign.test(text) ? say(text) : undefined;

const caseFlag = inGlob(
  /^\(\?[a-z]+\)/,
  (text) => `(?…) is not a flag here; write /${text.replace(/^\(\?\w+\)/, '')}/i`,
);
const anchor = inGlob(/^\^|\$$/, (text) => `^ and $ are plain characters in a glob; write /${text}/`);
const barePattern = inGlob(
  /\\|^\.[*+]|\[.+\]|\(.*\|.*\)|\)[*+?{]/,
  (text) => `is read as a glob, not as a pattern; write /${text}/`,
);
const like = inGlob(/%/, (text) => `% is a plain character; write ${text.replaceAll('%', '*')}`);
const likeOutside = inGlob(/^%|%$/, (text) => `% is a plain character; write ${text.replaceAll(/^%|%$/g, '*')}`);
const list = inGlob(
  /[,|;]/,
  (text) => `is read as one value, not as a list; write [${text.split(/\s*[,|;]\s*/).join(', ')}]`,
);
const negation = inGlob(/^!/, () => '! is a plain character and does not negate; use match and ignore');
const prefixed = inGlob(/^(regex|re|glob|contains|exact|like):/i, (text) => {
  const [how = '', what = ''] = text.split(/:(.*)/s);
  return `${how}: is part of the value; write ${/^re/i.test(how) ? `/${what}/` : what}`;
});
// Quotes outside ASCII are escaped: esbuild leaves regular expressions as they are, and the bundle has to stay ASCII.
const quoted = inGlob(
  /^(['"`]).*\1$|^[\u201c\u2018\u00ab].*[\u201d\u2019\u00bb]$/s,
  (text) => `the quotes are part of the value; write ${text.slice(1, -1)}`,
);
const variable = inGlob(
  /^\$\w+$|\$[A-Z][A-Z_]+\b|\$\(.+\)|#\{.+\}|<%.*%>|^<[^<>]+>$/,
  () => 'looks like a variable that was not filled in',
);
const oddBlank: Form = (text) => {
  const code = /[^\S \t\r\n]/.exec(text)?.[0].codePointAt(0);
  if (code === undefined) return undefined;
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')} looks like a space but is another character`;
};
const outerBlank: Form = (text) =>
  text === text.trim() ? undefined : 'the space at its beginning or end is part of the value';

const capitalsInPattern: Form = (text) =>
  isPattern(text) && !text.endsWith('i') && /[A-Z]/.test(text.replaceAll(/\\[A-Z]/g, ''))
    ? `DLI keeps the names of queues in lower case; write ${text}i`
    : undefined;

const tagWithColon: Form = (text) =>
  /^[^=:]+:[^=]+$/.test(text) && !text.startsWith('reaper:')
    ? `is read as the key of a tag; write a tag with its value as ${text.replace(':', '=')}`
    : undefined;

const tagOfPython: Form = (text) =>
  /=(True|False|None)$/.test(text)
    ? `case matters; write ${text.replace(/[^=]+$/, (value) => value.toLowerCase())} if the tag reads so`
    : undefined;

const tagTwice: Form = (text) =>
  text.includes('==') ? `the second = is part of the value; write ${text.replace('==', '=')}` : undefined;

const tagList: Form = (text) =>
  text.includes(',') ? `is read as one tag, not as a list; write [${text.split(/\s*,\s*/).join(', ')}]` : undefined;

const NAMES: readonly Form[] = [
  caseFlag,
  variable,
  oddBlank,
  quoted,
  prefixed,
  anchor,
  barePattern,
  list,
  like,
  negation,
];

const FOREIGN: Record<TextKey, readonly Form[]> = {
  queue: [capitalsInPattern],
  owner: NAMES,
  name: NAMES,
  database: NAMES,
  statement: [caseFlag, prefixed, anchor, likeOutside, outerBlank, oddBlank],
  tag: [tagList, tagWithColon, tagTwice, tagOfPython],
  jobId: [],
};
