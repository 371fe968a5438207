import type { Context } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { handler as dispatch } from '../../functions/dispatch.ts';
import { handler as notify } from '../../functions/notify.ts';
import { handler as sweep } from '../../functions/sweep.ts';

describe.each([
  { name: 'sweep', handler: sweep },
  { name: 'dispatch', handler: dispatch },
  { name: 'notify', handler: notify },
])('the function $name', ({ handler }) => {
  it('can be imported without an environment, and says which variable it lacks when it is called', async () => {
    expect(process.env.STAGE).toBeUndefined();

    await expect(handler({}, {} as Context)).rejects.toThrow('STAGE: this environment variable is not set');
  });
});
