import input from '@inquirer/input';

/** How the library says that nobody answered. */
const BROKEN_OFF = ['ExitPromptError', 'AbortPromptError'];

/** On stderr, so that stdout holds the report alone. @returns what was typed; empty if the question was broken off. */
export async function ask(question: string): Promise<string> {
  const ended = new AbortController();
  // Ctrl-D: the library would wait for ever.
  const onKey = (_: unknown, { ctrl, name }: { ctrl?: boolean; name?: string }) => {
    if (ctrl && name === 'd') ended.abort();
  };
  process.stdin.on('keypress', onKey);
  try {
    return await input({ message: question }, { input: process.stdin, output: process.stderr, signal: ended.signal });
  } catch (error) {
    if (error instanceof Error && BROKEN_OFF.includes(error.name)) return '';
    throw error;
  } finally {
    process.stdin.off('keypress', onKey);
  }
}
