import type { Environment } from '../../lib/settings/environment.ts';

/** What a verb reads from and writes to. A field that is missing means plain output: no colours, no width, no questions. */
export interface Terminal {
  env: Environment;
  out: (text: string) => void;
  err: (text: string) => void;
  /** Width of stdout in columns, if it is a screen. */
  columns?: number | undefined;
  /** Colours text for stdout. NO_COLOR, or a stdout that is not a screen, turns colours off. */
  paint?: Paint | undefined;
  /** Whether stderr is a screen, which can show a bar or a spinner. */
  isErrScreen?: boolean | undefined;
  /** Asks the person at the terminal; undefined if no one is there, or stdin is read as a file. A hidden answer is not shown. */
  ask?: ((question: string, options?: { isHidden: boolean }) => Promise<string>) | undefined;
  /** Returns stdin, in parts as they come. */
  stdin?: (() => AsyncIterable<Uint8Array>) | undefined;
  /** Whether stdin is a screen, so that a person types what is read. */
  isInScreen?: boolean | undefined;
  /** Turns colours off, for everything that this process shows. */
  withoutColours?: (() => void) | undefined;
}

export type Colour = 'green' | 'yellow' | 'red' | 'gray' | 'bold';

export type Paint = (colour: Colour, text: string) => string;

export const plain: Paint = (_, text) => text;
