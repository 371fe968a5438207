import type { Aggregates, Case, CaseWhy } from './aggregates.ts';

/** What a page of `report` shows. */
export interface Collected {
  aggregates: Aggregates;
  /** The latest first. */
  cases: Case[];
  /** Of the latest few thousand cases that have one. */
  whys: CaseWhy[];
}

export interface CollectOptions {
  /** Epoch ms; what lies outside is left out. */
  since?: number | undefined;
  until?: number | undefined;
  /** Only this target. */
  target?: string | undefined;
  /** Such as Europe/Berlin; for days. */
  timeZone: string;
  /** `hidden` leaves out the names of people, wherever they stand. */
  owners: 'shown' | 'hidden';
}

/** What a file, or a log group, holds, one after the other. */
export interface SourceReader {
  /**
   * Adds a line of a log.
   *
   * @param at epoch ms, if the log says when it got the line. By default the line's own `time`.
   * @param place such as `line 3`.
   */
  line(line: Readonly<Record<string, unknown>>, place: string, at?: number): void;
  /** Adds a document of `--json`, by its `kind`. A kind that says nothing for a report counts as unread. */
  document(document: Readonly<Record<string, unknown>>, place: string): void;
  /** Counts something that cannot be read. @param place null for the source as a whole. */
  unread(why: string, place: string | null): void;
}

export interface Collector {
  source(name: string): SourceReader;
  /** @param now epoch ms: the end of the span of a live record; null for files, whose span ends with their last line. */
  finish(now: number | null): Collected;
}
