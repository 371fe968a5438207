import { parameterNames, type ReadParameters } from './parameter-store.ts';
import { isOverdue, parseStop } from './stop-order.ts';

/** The switch as it was read. The version is null if the switch is missing or could not be read. */
export interface SwitchReading {
  value: unknown;
  version: number | null;
}

/** Reads the switch of a stage. Its value is undefined if it is missing. @throws {SettingsError} if it cannot be read. */
export async function readSwitchFrom(read: ReadParameters, stage: string): Promise<SwitchReading> {
  const name = parameterNames(stage).switch;
  const values = await read([name]);
  return { value: values.get(name), version: values.versionOf(name) };
}

/** Whether the switch lets jobs be cancelled. Only this one word does. */
export const isSwitchOn = ({ value }: Pick<SwitchReading, 'value'>): boolean => value === 'run';

/**
 * Whether someone has set the switch to stop, and the time of the stop is not over. Any other value but `run` stops as well,
 * but it may be a mistake.
 *
 * @param now epoch ms.
 */
export function isSetToStop({ value }: Pick<SwitchReading, 'value'>, now: number): boolean {
  const order = parseStop(value);
  return order !== undefined && !isOverdue(order, now);
}
