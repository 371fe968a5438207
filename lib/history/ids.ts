import type { Engine } from '../base/job.ts';

/** The schema of a policy allows 63 letters, and a number may follow. */
const MOST_LETTERS = 56;

interface Named {
  engine: Engine;
  queue: string;
  jobType: string | null;
  owner: string | null;
}

/** Makes ids of rules such as `adhoc-query` and `adhoc-query-ana`, each of them once. */
export function createIds(): (group: Named) => string {
  const taken = new Set<string>();
  return ({ engine, queue, jobType, owner }) => {
    const words = [queue, jobType ?? engine, ...(owner === null ? [] : [wordOf(owner) || 'owner'])].map(wordOf);
    const id = words
      .join('-')
      .replace(/^(?![a-z])/, 'q')
      .slice(0, MOST_LETTERS);
    for (let n = 1; ; n++) {
      const unique = n === 1 ? id : `${id}-${n}`;
      if (taken.has(unique)) continue;
      taken.add(unique);
      return unique;
    }
  };
}

/** Accents are left out, and other letters than a to z become hyphens. */
const wordOf = (name: string): string =>
  name
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
