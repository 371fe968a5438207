import { parameterNames, type ReadParameters } from './parameter-store.ts';
import { isOverdue, parseStop } from './stop-order.ts';

/** The switch as it was read; null as its version if it is not there or could not be read. */
export interface SwitchReading {
  value: unknown;
  version: number | null;
}

/** @returns undefined, and no version, for a switch that is not there. @throws {SettingsError} if it cannot be read. */
export async function readSwitchFrom(read: ReadParameters, stage: string): Promise<SwitchReading> {
  const name = parameterNames(stage).switch;
  const values = await read([name]);
  return { value: values.get(name), version: values.versionOf(name) };
}

/** Only this one word lets a job be cancelled. */
export const isSwitchOn = ({ value }: Pick<SwitchReading, 'value'>): boolean => value === 'run';

/**
 * Anything else stops as well, but only this says that somebody wants it so, and that its time is not over.
 *
 * @param now epoch ms.
 */
export function isSetToStop({ value }: Pick<SwitchReading, 'value'>, now: number): boolean {
  const order = parseStop(value);
  return order !== undefined && !isOverdue(order, now);
}
