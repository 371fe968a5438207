import input from '@inquirer/input';

/** The library's errors for a question that got no answer. */
const BROKEN_OFF = ['ExitPromptError', 'AbortPromptError'];

/** Asks on stderr, so that stdout holds the report alone. @returns what was typed; empty if the person broke off. */
export async function ask(question: string, { isHidden = false } = {}): Promise<string> {
  const ended = new AbortController();
  // Without this the library waits for ever after Ctrl-D.
  const onKey = (_: unknown, { ctrl, name }: { ctrl?: boolean; name?: string }) => {
    if (ctrl && name === 'd') ended.abort();
  };
  process.stdin.on('keypress', onKey);
  try {
    return await input(
      {
        message: question,
        theme: { prefix: '?' },
        ...(isHidden && { transformer: (typed: string) => '*'.repeat(typed.length) }),
      },
      { input: process.stdin, output: process.stderr, signal: ended.signal },
    );
  } catch (error) {
    if (error instanceof Error && BROKEN_OFF.includes(error.name)) return '';
    throw error;
  } finally {
    process.stdin.off('keypress', onKey);
  }
}
