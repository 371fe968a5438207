import { withoutMark } from '../../lib/base/text.ts';
import { cleanLines } from '../screen/text.ts';
import { yamlOf } from '../screen/yaml-text.ts';
import { openStage, type Stage, type StageFlags } from '../source/open-stage.ts';

export interface PolicyFlags extends StageFlags {
  /** The policy's name in Parameter Store. */
  name: string;
  /** Whether to ask DLI which jobs would be cancelled now. */
  look?: boolean;
}

/** A policy of a stage, by the name of its parameter. */
export interface StoredPolicy {
  stage: Stage;
  parameter: string;
}

export function openPolicy({ stage: stageName, name }: PolicyFlags): StoredPolicy {
  const stage = openStage(stageName);
  return { stage, parameter: stage.names.policy(name) };
}

/** Shows a stored value as YAML, in the order of its keys. A value that is not JSON stays as it is, made safe to print. */
export function toYaml(value: string): string {
  try {
    return yamlOf(JSON.parse(withoutMark(value)));
  } catch {
    return cleanLines(value);
  }
}
