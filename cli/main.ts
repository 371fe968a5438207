#!/usr/bin/env node
import { styleText } from 'node:util';
import { environment } from '../lib/settings/environment.ts';
import type { Terminal } from './terminal.ts';
import { createProgram } from './verbs/all.ts';

const { stdin, stdout, stderr } = process;

// Whoever reads may leave early, as `head` does. What was done is done all the same, and the exit code says how it went.
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const terminal: Terminal = {
  env: environment,
  out: (text) => void stdout.write(text),
  err: (text) => void stderr.write(text),
  columns: stdout.isTTY ? stdout.columns : undefined,
  // It knows NO_COLOR, FORCE_COLOR and what is no screen.
  paint: (colour, text) => styleText(colour, text, { stream: stdout }),
  isErrScreen: stderr.isTTY,
  ask: stdin.isTTY && stderr.isTTY ? async (question) => (await import('./ask.ts')).ask(question) : undefined,
};

await createProgram(terminal).parseAsync();
