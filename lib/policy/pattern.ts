/** The most states of a compiled pattern. The work on a text is at most states × length. */
const MAX_STATES = 500;
const MAX_REPEAT = 100;

/** A pattern that cannot be compiled; the message says what is wrong, and at which character. */
export class PatternError extends Error {
  override name = 'PatternError';
}

type Assertion = 'start' | 'end' | 'boundary' | 'not-boundary';

interface CharState {
  kind: 'char';
  accepts: (char: string) => boolean;
  next: number;
}

type State =
  | CharState
  | { kind: 'split'; next: number; other: number }
  | { kind: 'assert'; what: Assertion; next: number }
  | { kind: 'match' };

/**
 * Tries a text. Steps are counted rather than timed, so that the answer is the same on every machine.
 *
 * @returns undefined if the answer needs more steps.
 */
export type Test = (text: string, maxSteps?: number) => boolean | undefined;

/**
 * Compiles a regular expression that never backtracks (Thompson's construction): whatever the pattern, the work grows with the
 * length of the text only. JavaScript's own engine can take years for `(a+)+b`.
 *
 * Supported: literals, `.`, `[a-z]`, `[^…]`, `\d \w \s \b` and their opposites, `( )`, `(?: )`, `|`, `* + ? {n} {n,} {n,m}`,
 * `^`, `$`. Without `^` and `$` the pattern matches anywhere in the text.
 *
 * @throws {PatternError} for anything else, such as look-around and back-references.
 * @see https://swtch.com/~rsc/regexp/regexp1.html
 */
export function compilePattern(source: string, { ignoreCase = false } = {}): Test {
  const states = new Compiler(source, ignoreCase).compile();
  const start = states.length - 1;
  const beginnings = beginningsOf(states, start);
  return (text, maxSteps = Number.POSITIVE_INFINITY) =>
    run({ states, start, beginnings }, charactersOf(text), maxSteps);
}

/**
 * Splits a text that has characters of two code units, such as 𠮷. Most texts have none and are returned as they are, since
 * splitting a long statement takes longer than most patterns take to try it.
 */
export const charactersOf = (text: string): ArrayLike<string> =>
  /[\ud800-\udfff]/.test(text) ? Array.from(text) : text;

/**
 * Whether any text could match. No text can if something follows a `$` or precedes a `^`. A word boundary is assumed to be
 * possible.
 *
 * @param options.alphabet the characters that a text may contain; by default all, and then every set is assumed to hold one.
 * @throws {PatternError} as {@link compilePattern}.
 */
export function canMatch(
  source: string,
  { ignoreCase = false, alphabet }: { ignoreCase?: boolean; alphabet?: string | undefined } = {},
): boolean {
  const states = new Compiler(source, ignoreCase).compile();
  const isMet = ({ accepts }: CharState) => alphabet === undefined || Array.from(alphabet).some(accepts);
  const seen = new Set<string>();
  const open = [true, false].map((isStart) => ({ index: states.length - 1, isStart, isEnd: false }));
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const state = states[at.index];
    const key = JSON.stringify(at);
    if (state === undefined || seen.has(key)) continue;
    seen.add(key);
    if (state.kind === 'match') return true;
    if (state.kind === 'split') open.push({ ...at, index: state.other });
    if (state.kind === 'char') {
      if (!at.isEnd && isMet(state)) open.push({ index: state.next, isStart: false, isEnd: false });
    } else if (state.kind === 'split' || state.what !== 'start' || at.isStart) {
      const isEnd = at.isEnd || (state.kind === 'assert' && state.what === 'end');
      open.push({ ...at, index: state.next, isEnd });
    }
  }
  return false;
}

interface Program {
  states: readonly State[];
  start: number;
  /** The states that can take the first character of a match; undefined if a match can begin without a character. */
  beginnings: readonly CharState[] | undefined;
}

/** Finds the {@link Program.beginnings} of a pattern. */
function beginningsOf(states: readonly State[], start: number): CharState[] | undefined {
  const found: CharState[] = [];
  const seen = new Set<number>();
  const open = [start];
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    const state = states[index];
    if (state === undefined || seen.has(index)) continue;
    seen.add(index);
    if (state.kind === 'char') found.push(state);
    else if (state.kind === 'split') open.push(state.other, state.next);
    else return undefined;
  }
  return found;
}

/** Runs a pattern over a text. A step is one character looked at, or one state entered. */
function run({ states, start, beginnings }: Program, text: ArrayLike<string>, maxSteps: number): boolean | undefined {
  let steps = 0;
  /** The position at which each state was last added, so that it is added once for each position. */
  const addedAt = new Int32Array(states.length).fill(-1);
  let current: number[] = [];
  let next: number[] = [];
  const open: number[] = [];

  /** Adds a state, and all that can be reached from it without a character. @returns whether the pattern is complete. */
  const add = (first: number, position: number, list: number[]): boolean => {
    open.push(first);
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      const state = states[index];
      if (state === undefined || addedAt[index] === position) continue;
      addedAt[index] = position;
      steps += 1;
      if (state.kind === 'match') return true;
      if (state.kind === 'char') list.push(index);
      else if (state.kind === 'split') open.push(state.other, state.next);
      else if (holds(state.what, text, position)) open.push(state.next);
    }
    return false;
  };

  for (let position = 0; ; position++) {
    steps += 1;
    if (steps > maxSteps) return undefined;
    const char = text[position];
    // Most characters of most texts begin no match, so they are skipped early.
    const isIdle = current.length === 0 && beginnings !== undefined;
    if (isIdle && char !== undefined && !beginnings.some(({ accepts }) => accepts(char))) continue;
    // A match may begin at any character.
    if (add(start, position, current)) return true;
    if (char === undefined) return false;
    for (const index of current) {
      const state = states[index];
      if (state?.kind === 'char' && state.accepts(char) && add(state.next, position + 1, next)) return true;
    }
    [current, next] = [next, current];
    next.length = 0;
  }
}

const isWord = (char: string | undefined): boolean => char !== undefined && /^\w$/.test(char);

function holds(what: Assertion, text: ArrayLike<string>, position: number): boolean {
  switch (what) {
    case 'start':
      return position === 0;
    case 'end':
      return position === text.length;
    default:
      return (isWord(text[position - 1]) !== isWord(text[position])) === (what === 'boundary');
  }
}

/** Compiles a part of the pattern, given the index of the state that follows it. @returns the index of its first state. */
type Fragment = (next: number) => number;

const CLASSES: Record<string, RegExp> = { d: /\d/, D: /\D/, w: /\w/, W: /\W/, s: /\s/, S: /\S/ };
const ASSERTIONS: Record<string, Assertion> = { b: 'boundary', B: 'not-boundary' };
const CONTROLS: Record<string, string> = { n: '\n', r: '\r', t: '\t' };

class Compiler {
  readonly #source: string[];
  readonly #ignoreCase: boolean;
  readonly #states: State[] = [];
  #at = 0;

  constructor(source: string, ignoreCase: boolean) {
    this.#source = Array.from(source);
    this.#ignoreCase = ignoreCase;
  }

  /** @returns all states; the last of them is the first to enter. */
  compile(): State[] {
    const whole = this.#alternatives();
    if (this.#at < this.#source.length) throw this.#error('a ) without its (');
    const first = whole(this.#push({ kind: 'match' }));
    // An empty pattern's first state is its match.
    this.#push({ kind: 'split', next: first, other: first });
    return this.#states;
  }

  #alternatives(): Fragment {
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    return parts.reduceRight((right, left) => (next) => this.#split(left(next), right(next)));
  }

  #sequence(): Fragment {
    const parts: Fragment[] = [];
    while (this.#at < this.#source.length && !this.#sees('|') && !this.#sees(')')) parts.push(this.#repeated());
    return (next) => parts.reduceRight((following, part) => part(following), next);
  }

  #repeated(): Fragment {
    const part = this.#atom();
    const repeated = this.#repetition(part);
    // A lazy repetition matches the same texts.
    if (repeated !== part) this.#take('?');
    if (this.#sees('*') || this.#sees('+') || this.#sees('?')) throw this.#error('nothing to repeat');
    return repeated;
  }

  #repetition(part: Fragment): Fragment {
    if (this.#take('*')) return (next) => this.#loop(part, next).split;
    if (this.#take('+')) return (next) => this.#loop(part, next).first;
    if (this.#take('?')) return (next) => this.#split(part(next), next);
    const range = /^\{(\d+)(,(\d*))?\}/.exec(this.#source.slice(this.#at, this.#at + 20).join(''));
    if (range === null) return part;

    this.#at += range[0].length;
    const least = Number(range[1]);
    const most = range[2] === undefined ? least : range[3] === '' ? undefined : Number(range[3]);
    if (Math.max(least, most ?? 0) > MAX_REPEAT) throw this.#error(`a repetition of more than ${MAX_REPEAT}`);
    if (most !== undefined && most < least) throw this.#error('the bounds of a repetition are in the wrong order');
    return (next) => {
      let first = most === undefined ? this.#loop(part, next).split : next;
      for (let i = least; i < (most ?? least); i++) first = this.#split(part(first), next);
      for (let i = 0; i < least; i++) first = part(first);
      return first;
    };
  }

  /** Repeats a part. Entered at `split` it may be skipped; entered at `first` it comes once at least. */
  #loop(part: Fragment, next: number): { split: number; first: number } {
    const split = this.#split(next, next);
    const first = part(split);
    this.#states[split] = { kind: 'split', next: first, other: next };
    return { split, first };
  }

  #atom(): Fragment {
    if (this.#take('(')) {
      if (this.#take('?') && !this.#take(':')) throw this.#error('look-around and named groups are not supported');
      const inner = this.#alternatives();
      if (!this.#take(')')) throw this.#error('a ( without its )');
      return inner;
    }
    if (this.#take('^')) return this.#assertion('start');
    if (this.#take('$')) return this.#assertion('end');
    if (this.#take('.')) return this.#char((char) => char !== '\n');
    if (this.#take('[')) return this.#char(this.#set());
    if (this.#take('\\')) return this.#escape();
    const char = this.#next();
    if (char === '*' || char === '+' || char === '?') throw this.#error('nothing to repeat');
    return this.#char(this.#same(char));
  }

  #escape(): Fragment {
    const char = this.#next();
    const what = ASSERTIONS[char];
    if (what !== undefined) return this.#assertion(what);
    if (/\d/.test(char)) throw this.#error('back-references are not supported');
    return this.#char(this.#escaped(char));
  }

  #escaped(char: string): (char: string) => boolean {
    const known = CLASSES[char];
    if (known !== undefined) return (candidate) => known.test(candidate);
    const control = CONTROLS[char];
    if (control !== undefined) return this.#same(control);
    if (/[A-Za-z0-9]/.test(char)) throw this.#error(`\\${char} is not supported`);
    return this.#same(char);
  }

  /** Reads a set after its `[`, up to and including the `]`. */
  #set(): (char: string) => boolean {
    const isNegated = this.#take('^');
    const members: ((char: string) => boolean)[] = [];
    do {
      const from = this.#next();
      if (from === '\\') members.push(this.#escaped(this.#next()));
      else if (this.#sees('-') && this.#source[this.#at + 1] !== ']') members.push(this.#range(from));
      else members.push(this.#same(from));
    } while (!this.#take(']'));
    return (char) => members.some((accepts) => accepts(char)) !== isNegated;
  }

  #range(from: string): (char: string) => boolean {
    this.#take('-');
    const to = this.#next();
    const [low, high] = [from.codePointAt(0) ?? 0, to.codePointAt(0) ?? 0];
    if (to === '\\' || high < low) throw this.#error('a range that ends before it begins');
    const isIn = (char: string) => {
      const code = char.codePointAt(0) ?? -1;
      return low <= code && code <= high;
    };
    return this.#ignoreCase ? (char) => isIn(char.toLowerCase()) || isIn(char.toUpperCase()) : isIn;
  }

  #same(wanted: string): (char: string) => boolean {
    const folded = wanted.toLowerCase();
    return this.#ignoreCase ? (char) => char.toLowerCase() === folded : (char) => char === wanted;
  }

  #char(accepts: (char: string) => boolean): Fragment {
    return (next) => this.#push({ kind: 'char', accepts, next });
  }

  #assertion(what: Assertion): Fragment {
    return (next) => this.#push({ kind: 'assert', what, next });
  }

  #split(next: number, other: number): number {
    return this.#push({ kind: 'split', next, other });
  }

  #push(state: State): number {
    if (this.#states.length >= MAX_STATES) throw this.#error('the pattern is too large');
    return this.#states.push(state) - 1;
  }

  #sees(char: string): boolean {
    return this.#source[this.#at] === char;
  }

  #take(char: string): boolean {
    if (!this.#sees(char)) return false;
    this.#at += 1;
    return true;
  }

  #next(): string {
    const char = this.#source[this.#at];
    if (char === undefined) throw this.#error('the pattern ends too early');
    this.#at += 1;
    return char;
  }

  #error(problem: string): PatternError {
    return new PatternError(`${problem} (at character ${this.#at + 1})`);
  }
}
