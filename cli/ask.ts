import input from '@inquirer/input';

/** On stderr, so that stdout holds the report alone. @returns what was typed; empty if the question was broken off. */
export async function ask(question: string): Promise<string> {
  try {
    return await input({ message: question }, { input: process.stdin, output: process.stderr });
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError') return '';
    throw error;
  }
}
