import type { SweptProject } from '../../lib/sweep/record/report.ts';
import { cleanText } from './text.ts';

/** Names a project: `project eu-west-101_lake (0123456789abcdef0123456789abcdef) in eu-west-101`. */
export function projectWords({ id, name, region, endpoint }: SweptProject): string {
  const what = name === null ? id : `${name} (${id})`;
  return cleanText(`project ${what} ${region === null ? `at ${endpoint}` : `in ${region}`}`);
}

/** The line above a plan or a report. It says where the name comes from. */
export function projectLine(project: SweptProject): string {
  const source = project.name === null ? '' : project.verified ? ', as IAM says' : ', as the settings say';
  return `P${projectWords(project).slice(1)}${source}.`;
}
