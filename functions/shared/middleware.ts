import type { MiddlewareObj } from '@middy/core';
import type { Reporting } from './deployment.ts';

/** Puts the id of the invocation on every line of the log. */
export function logContext(reporting: () => Pick<Reporting, 'beginInvocation'>): MiddlewareObj {
  return { before: ({ context }) => reporting().beginInvocation(context) };
}

/**
 * Counts an invocation that throws.
 *
 * @param isCounted false for the event of a person: the answer goes to that person, and a mistyped name must not page on-call.
 */
export function countFailure(
  reporting: () => Pick<Reporting, 'writeMetrics'>,
  isCounted: (event: unknown) => boolean,
): MiddlewareObj {
  return {
    onError: ({ event }) => {
      if (isCounted(event)) reporting().writeMetrics({ PolicyException: 1 });
    },
  };
}

/** Shows where in the sources an error was thrown, in the stack that Lambda writes to the log. */
export function sourceLines(): MiddlewareObj {
  return { onError: async ({ error }) => (await import('./source-lines.ts')).showSourceLines(error) };
}
