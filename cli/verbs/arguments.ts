import { isIP } from 'node:net';
import { InvalidArgumentError } from 'commander';
import { type Assumptions, parseAssumption } from '../../emulator/base/assumptions.ts';
import type { IamUser } from '../../emulator/gateway/iam.ts';
import { parseDuration } from '../../lib/base/duration.ts';
import { messageOf } from '../../lib/base/error-words.ts';
import type { Recipient } from '../notices/send-test.ts';

/** Reads a whole number. @throws {InvalidArgumentError} as all readers here, which says what was expected. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

/** Reads a whole number that is not zero. */
export function positiveNumber(text: string): number {
  const value = wholeNumber(text);
  if (value === 0) throw new InvalidArgumentError('Expected 1 or more.');
  return value;
}

/** Reads numbers such as `-2,-1,1`, in one flag or in several. The schema checks their range. */
export function numberList(text: string, before: number[] = []): number[] {
  const parts = text.split(',');
  if (!parts.every((part) => /^-?\d{1,3}$/.test(part)))
    throw new InvalidArgumentError('Expected numbers, such as -2,-1,1.');
  return [...before, ...parts.map(Number)];
}

/** Reads the number of a port. */
export function port(text: string): number {
  const value = wholeNumber(text);
  if (value > 65_535) throw new InvalidArgumentError('Expected a port, 0 to 65535.');
  return value;
}

/** Reads the speed of a clock. */
export function speed(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 100_000)) throw new InvalidArgumentError('Expected 0 or more.');
  return value;
}

/** Reads a share between 0 and 1. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('Expected a number from 0 to 1.');
  return value;
}

/** Checks a duration and returns its text, which the request reads. */
export function durationText(text: string): string {
  duration(text);
  return text;
}

/** Reads a duration. @returns milliseconds. */
export function duration(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;

/** Reads the time between two sweeps, which a schedule can have. @returns milliseconds. */
export function period(text: string): number {
  const ms = duration(text);
  if (ms < MINUTE_MS || ms > DAY_MS) throw new InvalidArgumentError('Expected 1m to 24h.');
  return ms;
}

/** Reads an answer to a question of the emulator, such as `unknownId=DLI.0023`, in one flag or in several. */
export function assumption(text: string, before: Partial<Assumptions> = {}): Partial<Assumptions> {
  const [, name = '', answer = ''] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('Expected name=answer, such as unknownId=DLI.0023.');
  try {
    return { ...before, ...parseAssumption(name, answer) };
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

/** Reads a user of the emulator. The account has the name of the user if the text has none. */
export function emulatedUser(text: string, before: IamUser[] = []): IamUser[] {
  const [, name = '', password = '', domainName = name] = /^([^:]+):([^:]+)(?::([^:]+))?$/.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('Expected name:password or name:password:account.');
  return [...before, { name, password, domainName }];
}

/** Reads the name of a host, without a port. */
export function hostName(text: string, before: string[] = []): string[] {
  if (!/^([A-Za-z\d_.-]+|\[[\dA-Fa-f:.]+\])$/.test(text))
    throw new InvalidArgumentError('Expected the name of a host without a port, such as dli.');
  return [...before, text.toLowerCase()];
}

/** Reads an address to listen on. */
export function listenAddress(text: string): string {
  if (isIP(text) === 0 && text !== 'localhost')
    throw new InvalidArgumentError('Expected an IP address, such as 0.0.0.0 for all of this machine.');
  return text;
}

/** Reads the recipient of a message. */
export function recipient(text: string): Recipient {
  if (text === 'operators') return { to: 'operators', owner: null };
  const [, owner] = /^owner:(.+)$/.exec(text) ?? [];
  if (owner === undefined)
    throw new InvalidArgumentError('Expected operators, or owner: and a name, such as owner:ana.');
  return { to: 'owner', owner };
}

/** Collects the values of an option that may be given several times. */
export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** Collects values like {@link collect}, and allows only these. */
export const collectOf =
  <T extends string>(values: readonly T[]) =>
  (text: string, before: readonly T[] = []): T[] => {
    const value = values.find((one) => one === text);
    if (value === undefined) throw new InvalidArgumentError(`Expected one of ${values.join(', ')}.`);
    return [...before, value];
  };
