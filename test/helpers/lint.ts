import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { isOnPath } from './aws-peer.ts';
import { inLane, toolEnvironment } from './packaged.ts';

const run = promisify(execFile);

/** At least one region of each partition of AWS. Some of them lack newer services. */
const REGIONS = [
  'eu-central-1',
  'us-east-1',
  'cn-north-1',
  'cn-northwest-1',
  'us-gov-west-1',
  'ap-southeast-1',
  'ap-southeast-3',
];

/**
 * @returns what cfn-lint says about a template in any of the regions; empty without a finding, or without cfn-lint.
 * @throws {Error} if it ends with an error, which also holds what it said.
 */
export async function lint(template: string): Promise<string> {
  if (!(await isOnPath('cfn-lint'))) {
    process.stdout.write('cfn-lint is not on PATH: the template was made and not linted.\n');
    return '';
  }
  const args = ['--template', template, '--regions', ...REGIONS];
  return (await inLane(() => run('cfn-lint', args, { env: toolEnvironment() }))).stdout;
}
