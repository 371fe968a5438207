/** One stretch of a life, until the next begins. */
export interface Stage<State extends string> {
  /** Epoch ms. */
  from: number;
  state: State;
  /** The reason, if the API shows one. */
  description?: string;
}

/**
 * A life that is fixed in advance, the earliest stage first. What it shows depends on the moment of the look.
 *
 *     [{ "from": 1785540000000, "state": "starting" }, { "from": 1785540060000, "state": "running" }]
 */
export type Life<State extends string> = [Stage<State>, ...Stage<State>[]];

/** Returns the stage that began last. Before the first stage, it is the first. */
export function stageAt<State extends string>(life: Readonly<Life<State>>, now: number): Stage<State> {
  // Every row of every list calls this, and findLast takes several times as long.
  for (let i = life.length - 1; i > 0; i--) {
    const stage = life[i];
    if (stage !== undefined && stage.from <= now) return stage;
  }
  return life[0];
}

/**
 * Returns the life after an order. The ordered stages replace the stages that they overlap; earlier ones stay. If the job
 * would end by itself before the last ordered stage, or at the same moment, it still does. If the order does not end the
 * job, its old life goes on after it.
 *
 * @param ordered the stages of the order. They begin at `now` or later.
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

/** Returns the stages that have begun. */
export function pastOf<State extends string>(life: Readonly<Life<State>>, now: number): Life<State> {
  const [first, ...rest] = life;
  return [first, ...rest.filter(({ from }) => from <= now)];
}
