import { describe, expect, it } from 'vitest';
import { showSourceLines } from '../../../functions/shared/source-lines.ts';
import { invokeBundle } from '../../helpers/lambda.ts';

describe('the stack of an error', () => {
  it.each(['sweep', 'dispatch'] as const)('of the function %s names lines of the sources', async (name) => {
    const { threw, stack } = await invokeBundle(name, {}, {});

    expect(threw).toBe('SettingsError: PERIOD_MINUTES: this environment variable is not set');
    expect(stack).toMatch(/lib\/settings\/environment\.ts:\d+:\d+\)/);
    expect(stack).not.toContain('index.mjs');
  });

  it('stays as it is where there is no map', () => {
    const error = new Error('it broke');
    error.stack = 'Error: it broke\n    at a (file:///var/task/part.mjs:1:2)\n    at node:internal/main:3:4';

    showSourceLines(error);

    expect(error.stack).toBe(
      'Error: it broke\n    at a (file:///var/task/part.mjs:1:2)\n    at node:internal/main:3:4',
    );
  });

  it('need not exist', () => {
    expect(() => showSourceLines('no error')).not.toThrow();
  });
});
