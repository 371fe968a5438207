/** One stretch of a life, until the next begins. */
export interface Stage<State extends string> {
  /** Epoch ms. */
  from: number;
  state: State;
  /** Why, where the API has a place for it. */
  description?: string;
}

/**
 * A life written down in advance, the earliest stage first; what it shows depends on the moment it is looked at.
 *
 *     [{ "from": 1785540000000, "state": "starting" }, { "from": 1785540060000, "state": "running" }]
 */
export type Life<State extends string> = [Stage<State>, ...Stage<State>[]];

/** The stage that has begun last. Before the first, the first. */
export function stageAt<State extends string>(life: Readonly<Life<State>>, now: number): Stage<State> {
  // Every row of every list asks: findLast here takes several times as long.
  for (let i = life.length - 1; i > 0; i--) {
    const stage = life[i];
    if (stage !== undefined && stage.from <= now) return stage;
  }
  return life[0];
}

/**
 * The life after an order: what comes before the ordered stages stays, and they replace what they overlap. A job that
 * would have been over by itself before the last of them, or at the same moment, is over by itself. After an order that
 * does not end the job, the old life goes on.
 *
 * @param ordered begins at `now` or later.
 */
export function obey<State extends string>(
  life: Readonly<Life<State>>,
  now: number,
  ordered: Readonly<Life<State>>,
  isOver: (state: State) => boolean,
): Life<State> {
  const last = ordered.at(-1) ?? ordered[0];
  const ownEnd = life.find(({ from, state }) => from > now && from <= last.from && isOver(state));
  const until = ownEnd?.from ?? Infinity;
  const before = life.filter(({ from }) => from <= now || from < Math.min(ordered[0].from, until));
  const obeyed = ordered.filter(({ from }) => from < until);
  const after = life.filter(({ from }) =>
    ownEnd === undefined ? !isOver(last.state) && from > last.from : from >= until,
  );
  return [...before, ...obeyed, ...after] as Life<State>;
}

/** The stages that have begun. */
export function pastOf<State extends string>(life: Readonly<Life<State>>, now: number): Life<State> {
  const [first, ...rest] = life;
  return [first, ...rest.filter(({ from }) => from <= now)];
}
