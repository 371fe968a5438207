import pty from '@lydell/node-pty';
import headless from '@xterm/headless';
import { CLI, cleanEnvironment } from './run-cli.ts';

/** One run of the command line on a pseudo-terminal, with the screen that a person would see. */
export function runOnTerminal(
  args: string[],
  env: Record<string, string> = {},
  { columns = 200, rows = 60 }: { columns?: number; rows?: number } = {},
) {
  const screen = new headless.Terminal({ cols: columns, rows, allowProposedApi: true });
  const child = pty.spawn(process.execPath, [CLI.main, ...args], {
    ...{ cols: columns, rows, cwd: CLI.cwd, name: 'xterm-256color' },
    env: Object.fromEntries(Object.entries(cleanEnvironment(env)).map(([name, value]) => [name, value ?? ''])),
  });
  let raw = '';
  const waiting: { text: string; resolve: () => void }[] = [];
  child.onData((data) => {
    raw += data;
    screen.write(data);
    for (const { text, resolve } of waiting) if (raw.includes(text)) resolve();
  });
  const exited = new Promise<number>((resolve) => child.onExit(({ exitCode }) => resolve(exitCode)));

  return {
    /** Until this text has come, colours and all. */
    waitFor: (text: string) =>
      raw.includes(text)
        ? Promise.resolve()
        : Promise.race([
            new Promise<void>((resolve) => waiting.push({ text, resolve })),
            exited.then((exitCode) => {
              throw new Error(`ended with ${exitCode} before "${text}" came: ${raw}`);
            }),
          ]),
    type: (text: string) => child.write(text),
    /** The exit code. */
    exited,
    /** All that was written, escapes included. */
    raw: () => raw,
    /** The lines that a person sees, without the empty ones at the end. */
    screen: async () => {
      await new Promise<void>((resolve) => screen.write('', resolve));
      const { active } = screen.buffer;
      return Array.from({ length: active.length }, (_, i) => active.getLine(i)?.translateToString(true) ?? '')
        .join('\n')
        .trimEnd();
    },
  };
}

/** A screen without what differs from run to run: the emulator's port, and how long a job has run to the second. */
export const steady = (screen: string): string =>
  screen.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT').replace(/\d+(\.\d+)? CU-hours/, 'some CU-hours');
