import type { Assumptions } from '../emulator/base/assumptions.ts';
import { startWorld } from '../emulator/start-world.ts';

export type { Assumptions };

/** What the emulator starts with. docs/emulator.md describes each, under the name of its flag. */
export interface EmulatorOptions {
  /** Default: a free port. */
  port?: number;
  /** Address to listen on. Default: `127.0.0.1`. */
  host?: string;
  /** Names under which the control interface answers, with those of loopback and `host`. */
  allowHost?: string[];
  /** Users who can get tokens by password. */
  user?: { name: string; password: string; domainName: string }[];
  /** Name of a world. Default: `busy-morning`. */
  world?: string;
  /** Number of live jobs, in place of a world; or the size of the world `month`. */
  jobs?: number;
  /** Share of `jobs` that are overdue, 0 to 1. Default: 0.1. */
  overdue?: number;
  /** Default: 1. */
  seed?: number;
  /** Speed of its clock. With 0, it stands still until it is stepped. Default: 1. */
  speed?: number;
  /** Milliseconds from an accepted cancel to CANCELLED. Default: 1,000. */
  cancelDelay?: number;
  /** Calls that the gateway lets through in a minute. Default: any number. */
  callsPerMinute?: number;
  /** Answers to what no document of DLI says. */
  assume?: Partial<Assumptions>;
}

export interface Emulator {
  /** What a client needs. The keys are good for an emulator only. */
  connection: { url: string; region: string; projectId: string; accessKeyId: string; secretAccessKey: string };
  /**
   * Makes a call of the control interface, which docs/emulator.md lists.
   *
   * @example await dli.control('POST /clock', { step: '2h' });
   * @throws {Error} with the reason, if the emulator refuses it.
   */
  control<T = unknown>(call: string, body?: unknown): Promise<T>;
  /** Stops it. Calls under way are cut off. */
  close(): Promise<void>;
}

/**
 * Starts a DLI in this process: real HTTP, real signatures, jobs that live by its clock.
 *
 * @example
 * const dli = await startEmulator({ world: 'empty' });
 * await dli.control('POST /jobs', { queue: 'adhoc', owner: 'ana', age: '3h' });
 * const { jobs } = await dli.control('GET /jobs');
 * await dli.close();
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { connection, close } = await startWorld(options);
  return {
    connection,
    close,
    async control<T>(call: string, body?: unknown) {
      const [method = '', path = ''] = call.split(' ');
      const answer = await fetch(`${connection.url}/_emulator${path}`, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const document = (await answer.json()) as T & { error?: string };
      if (!answer.ok) throw new Error(`${call}: ${document.error}`);
      return document;
    },
  };
}
