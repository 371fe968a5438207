import pty from '@lydell/node-pty';
import headless, { type IBufferLine } from '@xterm/headless';
import { CLI, cleanEnvironment } from './run-cli.ts';

/**
 * A shell around the command. It writes the exit code in a sequence that no terminal shows, and waits. The library drops
 * unread output 200 ms after its child has ended, which is too soon on a busy machine (node-pty, unixTerminal.js,
 * DESTROY_SOCKET_TIMEOUT_MS). So its child is ended only after all has been read. Ctrl-C reaches only the command.
 */
const SHELL = `trap : INT; "$@"; printf '\\033]9999;%s\\007' "$?"; exec sleep 600`;
const [MARK, MARK_END] = ['\u001b]9999;', '\u0007'];

/** The output before the mark, and the exit code in the mark; undefined until the whole mark has come. */
function splitAtMark(raw: string): { before: string; exitCode: number } | undefined {
  const at = raw.indexOf(MARK);
  const end = raw.indexOf(MARK_END, at);
  return at < 0 || end < 0
    ? undefined
    : { before: raw.slice(0, at), exitCode: Number(raw.slice(at + MARK.length, end)) };
}

/** Neighbouring cells of a terminal that look alike. */
export interface Part {
  text: string;
  /** Number in the palette of 256 colours; undefined for the default. */
  colour: number | undefined;
  isBold: boolean;
  isDim: boolean;
}

function partsOf(line: IBufferLine | undefined, columns: number): Part[] {
  const parts: Part[] = [];
  const length = line?.translateToString(true).length ?? 0;
  for (let x = 0; x < Math.min(length, columns); x++) {
    const cell = line?.getCell(x);
    if (cell === undefined) break;
    const look = {
      colour: cell.isFgPalette() ? cell.getFgColor() : undefined,
      isBold: cell.isBold() !== 0,
      isDim: cell.isDim() !== 0,
    };
    const last = parts.at(-1);
    const text = cell.getChars() || ' ';
    if (last !== undefined && last.colour === look.colour && last.isBold === look.isBold && last.isDim === look.isDim)
      last.text += text;
    else parts.push({ text, ...look });
  }
  return parts;
}

/** One run of the command line on a pseudo-terminal, with the screen that a person would see. */
export function runOnTerminal(
  args: string[],
  env: Record<string, string> = {},
  { columns = 200, rows = 60 }: { columns?: number; rows?: number } = {},
) {
  const screen = new headless.Terminal({ cols: columns, rows, allowProposedApi: true });
  const child = pty.spawn('/bin/sh', ['-c', SHELL, 'sh', process.execPath, CLI.main, ...args], {
    cols: columns,
    rows,
    cwd: CLI.cwd,
    name: 'xterm-256color',
    env: Object.fromEntries(Object.entries(cleanEnvironment(env)).map(([name, value]) => [name, value ?? ''])),
  });
  let raw = '';
  const waiting: { isThere: () => boolean; resolve: () => void }[] = [];
  const exited = new Promise<number>((resolve) => {
    child.onData((data) => {
      raw += data;
      screen.write(data);
      for (const { isThere, resolve: come } of waiting) if (isThere()) come();
      const ended = splitAtMark(raw);
      if (ended === undefined) return;
      raw = ended.before;
      child.kill();
      resolve(ended.exitCode);
    });
    child.onExit(({ exitCode }) => resolve(exitCode));
  });

  return {
    /** Resolves when this text has come, colours included; after another text, if one is given. */
    waitFor: (text: string, { after = '' }: { after?: string } = {}) => {
      const isThere = () => raw.includes(after) && raw.includes(text, raw.indexOf(after));
      if (isThere()) return Promise.resolve();
      return Promise.race([
        new Promise<void>((resolve) => waiting.push({ isThere, resolve })),
        exited.then((exitCode) => {
          throw new Error(`ended with ${exitCode} before "${text}" came: ${raw}`);
        }),
      ]);
    },
    type: (text: string) => child.write(text),
    /** The exit code. */
    exited,
    /** All output, escapes included. */
    raw: () => raw,
    /** The lines that a person sees, without the empty ones at the end. */
    screen: async () => {
      await new Promise<void>((resolve) => screen.write('', resolve));
      const { active } = screen.buffer;
      return Array.from({ length: active.length }, (_, i) => active.getLine(i)?.translateToString(true) ?? '')
        .join('\n')
        .trimEnd();
    },
    /** The same lines, each as its parts of one colour. */
    colouredScreen: async (): Promise<Part[][]> => {
      await new Promise<void>((resolve) => screen.write('', resolve));
      const { active } = screen.buffer;
      return Array.from({ length: active.length }, (_, i) => partsOf(active.getLine(i), columns));
    },
  };
}

/**
 * A screen without the parts that differ from run to run: the emulator's port, the seconds of a job's run time, and the looks
 * at jobs that were asked to stop, which depend on how fast the machine is.
 */
export const steady = (screen: string): string =>
  screen
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
    .replace(/\d+(\.\d+)? CU-hours/, 'some CU-hours')
    .replaceAll(/left alone; \d+ calls/g, 'left alone; some calls');
