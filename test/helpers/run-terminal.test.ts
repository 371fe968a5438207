import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runOnTerminal } from './run-terminal.ts';

/** Imitates a busy machine: reads nothing for longer than the library keeps unread output. */
const holdUp = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 260);

it('reads all that was written, however late the reader comes', async () => {
  const schema = readFileSync(new URL('../../policy.schema.json', import.meta.url), 'utf8');
  const terminal = runOnTerminal(['schema'], {}, { rows: 2_000 });
  const timer = setInterval(holdUp, 1);

  const exitCode = await terminal.exited;
  clearInterval(timer);

  expect(exitCode).toBe(0);
  expect(terminal.raw().replaceAll('\r\n', '\n')).toBe(schema);
});
