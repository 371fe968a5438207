import { isRecord } from './wire.ts';

/**
 * Reads the name out of `{"project":{"id":"…","name":"…"}}`.
 *
 * @returns undefined if the answer is about another project, or has no name.
 */
export function nameOfProject(answer: unknown, projectId: string): string | undefined {
  const project = isRecord(answer) ? answer.project : undefined;
  if (!isRecord(project) || typeof project.id !== 'string' || typeof project.name !== 'string') return undefined;
  const isIt = project.id.toLowerCase() === projectId.toLowerCase();
  return isIt && project.name !== '' ? project.name : undefined;
}
