import { type Command, Option } from 'commander';
import type { Environment } from '../../lib/settings/environment.ts';
import { shellWord } from '../screen/shell-lines.ts';

/**
 * What a verb does. Only a verb that looks takes its stage and target from the environment, so that no variable chooses what
 * is changed or cancelled.
 */
export type Effect = 'looks' | 'acts';

/** A flag that says where a verb goes, with the variable that can stand in for it. */
export class PlaceOption extends Option {
  readonly variable: string;
  constructor(key: 'stage' | 'target', description: string, effect: Effect) {
    super(key === 'stage' ? '--stage <stage>' : '--target <name>', description);
    this.variable = `DLI_REAPER_${key.toUpperCase()}`;
    if (effect === 'looks') this.env(this.variable);
  }
}

const placesOf = (verb: Command): PlaceOption[] => verb.options.filter((option) => option instanceof PlaceOption);

/** Whether a verb goes where its flags say. The emulator does not: its --stage is what it plays. */
export const hasPlace = (verb: Command): boolean => placesOf(verb).length > 0;

/** A probe may submit and cancel a job, so it counts as an act of a verb that looks. */
const acts = ({ envVar }: PlaceOption, verb: Command): boolean =>
  envVar === undefined || verb.getOptionValue('probe') === true;

/** Flags that name a project, or a file with its jobs, in place of a stage. */
const ELSEWHERE = ['endpoint', 'projectId', 'projectName', 'region', 'from'];

const isElsewhere = ({ mandatory }: PlaceOption, verb: Command): boolean =>
  !mandatory && (ELSEWHERE.some((key) => verb.getOptionValue(key) !== undefined) || hasFiles(verb));

/** Whether files are named that hold the record of a stage. */
const hasFiles = (verb: Command): boolean => verb.registeredArguments[0]?.name() === 'files' && verb.args.length > 0;

/** Drops the variables that do not apply to this command. @returns a few words about each that does, for the screen. */
export function takeVariables(verb: Command): string[] {
  return placesOf(verb).flatMap((option) => {
    const key = option.attributeName();
    if (verb.getOptionValueSource(key) !== 'env') return [];
    const value = String(verb.getOptionValue(key));
    // A target belongs to a stage, which comes first among the flags.
    const hasStage = verb.getOptionValue('stage') !== undefined;
    if (value !== '' && hasStage && !isElsewhere(option, verb) && !acts(option, verb)) {
      return [`${key} ${value}, from ${option.variable}`];
    }
    verb.setOptionValueWithSource(key, undefined, undefined);
    if (option.mandatory) verb.error(`error: required option '${option.flags}' not specified`, MISSING);
    return [];
  });
}

/** Commander's code for a flag that must be given. */
const MISSING = { code: 'commander.missingMandatoryOptionValue' };

/** Says which flag to type where a variable is set that this command does not take. */
export function untakenVariables(verb: Command, env: Environment): string[] {
  return placesOf(verb).flatMap((option) => {
    const value = env[option.variable];
    const isGiven = verb.getOptionValue(option.attributeName()) !== undefined || isElsewhere(option, verb);
    const isForAll = option.long === '--target' && verb.getOptionValue('allTargets') === true;
    if (!value || isGiven || isForAll || !acts(option, verb)) return [];
    return [
      `${option.variable} is not taken by a command that changes or cancels something: type ${option.long} ${shellWord(value)}`,
    ];
  });
}

/** Adds to commander's message about words and flags what was probably meant. @param code commander's name of the mistake. */
export function usageLines(message: string, code: string | undefined, verb: Command, env: Environment): string[] {
  const most = verb.registeredArguments.length;
  if (code === 'commander.excessArguments') {
    const extra = verb.args.slice(most);
    return [`error: too many arguments for '${verb.name()}': ${extra.join(' ')}`, ...hintAt(extra[0], verb)];
  }
  if (code !== MISSING.code || !message.includes("'--stage ")) return [message];
  const firstFlag = verb.args.findIndex((word) => word.startsWith('-'));
  const words = firstFlag < 0 ? verb.args : verb.args.slice(0, firstFlag);
  const [id] = words;
  const isId = id !== undefined && words.length <= most && verb.registeredArguments[0]?.name() === 'id';
  return [
    message,
    ...(isId ? [`(${id} is read as the id. Did you mean --stage ${shellWord(id)}?)`] : hintAt(words[most], verb)),
    ...untakenVariables(verb, env),
  ];
}

/** Names the flag that was probably meant by a word that stands alone. */
function hintAt(word: string | undefined, verb: Command): string[] {
  if (word === undefined) return [];
  const isOpen = (key: string) =>
    verb.options.some((option) => option.attributeName() === key) && verb.getOptionValueSource(key) !== 'cli';
  const isFile = /\.(ya?ml|json)$/.test(word);
  const key = (isFile ? ['policy'] : ['stage', 'target']).find(isOpen);
  return key === undefined ? [] : [`(Did you mean --${key} ${shellWord(word)}?)`];
}
