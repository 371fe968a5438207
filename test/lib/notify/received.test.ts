import { describe, expect, it } from 'vitest';
import { receive } from '../../../lib/notify/received.ts';
import { messageJob, messageLine, operatorsLine } from '../../helpers/notices.ts';

const read = (fields: object | string) => receive(typeof fields === 'string' ? fields : JSON.stringify(fields));

describe('receive', () => {
  it.each([
    messageLine(),
    operatorsLine({ status: 'capped', problems: ['too many'], more: { 'would-be-cancelled': 3 } }),
  ])('reads a message of this version', (line) => {
    expect(read(line)).toMatchObject({
      message: { to: line.to, target: 'lake', projectName: 'eu-west-101_lake', jobs: line.jobs, more: line.more },
    });
  });

  it('reads a message of a line that lacks what only some lines have', () => {
    const { region: _, projectName: __, sweepId: ___, ...rest } = messageLine();

    expect(read(rest)).toMatchObject({ message: { region: null, projectName: null, sweepId: null, recordedBy: null } });
  });

  it.each([
    { name: 'a line of the runtime', line: 'START RequestId: 1', skipped: 'not-json' },
    { name: 'JSON that is no object', line: '7', skipped: 'not-a-message' },
    { name: 'another line of a sweep', line: messageLine({ msg: 'sweep finished' }), skipped: 'not-a-message' },
    { name: 'a later version', line: { ...messageLine(), version: 2, jobs: 'changed' }, skipped: 'version' },
    { name: 'a message without its jobs', line: { ...messageLine(), jobs: undefined }, skipped: 'invalid' },
    {
      name: 'an unknown kind',
      line: { ...messageLine(), jobs: [{ ...messageJob(1), kind: 'x' }] },
      skipped: 'invalid',
    },
    {
      name: 'more jobs than a message has',
      line: messageLine({ jobs: Array.from({ length: 41 }, (_, i) => messageJob(i)) }),
      skipped: 'invalid',
    },
    { name: 'a text of any length', line: messageLine({ requestReason: 'x'.repeat(5_000) }), skipped: 'invalid' },
  ])('skips $name', ({ line, skipped }) => {
    expect(read(line)).toEqual({ skipped });
  });
});
