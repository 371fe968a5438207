/** Compiled patterns may not have more states: the work on a text is bounded by states × length. */
const MAX_STATES = 500;
const MAX_REPEAT = 100;

/** A pattern that cannot be compiled; the message says what is wrong and where. */
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
 * Whether a text matches. Undefined if that cannot be told in so many steps, which are counted rather than timed, so that
 * the answer is the same on every machine.
 */
export type Test = (text: string, maxSteps?: number) => boolean | undefined;

/**
 * A regular expression without backtracking (Thompson's construction): however hostile the pattern, the work grows with
 * the length of the text only. JavaScript's own engine can take years for `(a+)+b`.
 *
 * Known: literals, `.`, `[a-z]`, `[^…]`, `\d \w \s \b` and their opposites, `( )`, `(?: )`, `|`, `* + ? {n} {n,} {n,m}`,
 * `^`, `$`. It finds the pattern anywhere in the text unless anchored.
 *
 * @throws {PatternError} for anything else, look-around and back-references above all.
 * @see https://swtch.com/~rsc/regexp/regexp1.html
 */
export function compilePattern(source: string, { ignoreCase = false } = {}): Test {
  const states = new Compiler(source, ignoreCase).compile();
  const start = states.length - 1;
  const beginnings = beginningsOf(states, start);
  return (text, maxSteps = Number.POSITIVE_INFINITY) => run({ states, start, beginnings }, Array.from(text), maxSteps);
}

/**
 * Whether any text could match: nothing stands behind a `$` or before a `^`. Boundaries, and what a set of characters
 * holds, are taken for such that can be met.
 *
 * @param options.alphabet the characters that a text may hold; any unless told.
 * @throws {PatternError}
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
  /** What the first character of a match may be; undefined if a match need not begin with a character. */
  beginnings: readonly CharState[] | undefined;
}

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

/** A step is a character that is looked at, or a state that is entered. */
function run({ states, start, beginnings }: Program, text: readonly string[], maxSteps: number): boolean | undefined {
  let steps = 0;
  /** At which position a state was last added, so that it is added once for each. */
  const addedAt = new Int32Array(states.length).fill(-1);
  let current: number[] = [];
  let next: number[] = [];
  const open: number[] = [];

  /** Follows what needs no character. @returns whether the pattern is complete. */
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
    // Most characters of most texts begin nothing.
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

function holds(what: Assertion, text: readonly string[], position: number): boolean {
  switch (what) {
    case 'start':
      return position === 0;
    case 'end':
      return position === text.length;
    default:
      return (isWord(text[position - 1]) !== isWord(text[position])) === (what === 'boundary');
  }
}

/** What a part of the pattern compiles to, once it is known what follows. @returns the index of its first state. */
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

  /** @returns all states; the last one is the first to be in. */
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
    // Lazy or not makes no difference to whether there is a match.
    if (repeated !== part) this.#take('?');
    if (this.#sees('*') || this.#sees('+') || this.#sees('?')) throw this.#error('a repetition of nothing');
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
    if (most !== undefined && most < least) throw this.#error('a repetition with its bounds in the wrong order');
    return (next) => {
      let first = most === undefined ? this.#loop(part, next).split : next;
      for (let i = least; i < (most ?? least); i++) first = this.#split(part(first), next);
      for (let i = 0; i < least; i++) first = part(first);
      return first;
    };
  }

  /** `split` may pass the part by, `first` goes through it once at least. */
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
    if (char === '*' || char === '+' || char === '?') throw this.#error('a repetition of nothing');
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

  /** Behind the bracket, up to and with the closing one. */
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
    if (this.#states.length >= MAX_STATES) throw this.#error('too large');
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
    if (char === undefined) throw this.#error('it ends too early');
    this.#at += 1;
    return char;
  }

  #error(problem: string): PatternError {
    return new PatternError(`${problem} (at character ${this.#at + 1})`);
  }
}
