import type { Environment } from '../../lib/settings/environment.ts';

/** Where a verb reads and writes. What is missing is the plain thing: no colours, no width, nobody to ask. */
export interface Terminal {
  env: Environment;
  out: (text: string) => void;
  err: (text: string) => void;
  /** Columns of stdout, if it is a screen. */
  columns?: number | undefined;
  /** Colours for stdout; off by NO_COLOR, and where stdout is no screen. */
  paint?: Paint | undefined;
  /** Whether stderr is a screen, so that something may move on it. */
  isErrScreen?: boolean | undefined;
  /** Asks whoever sits there; undefined if nobody does. */
  ask?: ((question: string) => Promise<string>) | undefined;
}

export type Colour = 'green' | 'yellow' | 'red' | 'gray' | 'bold';

export type Paint = (colour: Colour, text: string) => string;

export const plain: Paint = (_, text) => text;
