import { type Invocation, QUEUE_NAMES } from '../../emulator/aws/server.ts';
import { queueEvent } from './aws-events.ts';
import { startAwsServer } from './aws-server.ts';
import { invokeBundle } from './lambda.ts';

/**
 * AWS with the bundled functions, each in its own process, behind a Lambda, SQS and CloudWatch Logs on this machine.
 *
 * @param parameters the parameters of the stage `dev`.
 */
export async function startDeployed(
  parameters: Record<string, string>,
  options: Omit<Parameters<typeof startAwsServer>[1], 'onInvoke'> = {},
) {
  const play = async (name: 'sweep' | 'dispatch', event: unknown, requestId?: string) => {
    const { log, metricLines } = await invokeBundle(name, event, aws.env, requestId);
    for (const line of [...log, ...metricLines]) aws.log(`/aws/lambda/dli-job-reaper-dev-${name}`, line);
  };
  const onInvoke = async ({ name, payload, requestId }: Invocation) => {
    if (name.endsWith('-sweep')) return play('sweep', payload, requestId);
    await play('dispatch', payload, requestId);
    for (const queue of Object.values(QUEUE_NAMES)) {
      for (const { body } of aws.queues[queue].messages.splice(0)) await play('sweep', queueEvent(body));
    }
  };
  const aws = await startAwsServer(parameters, { ...options, onInvoke });
  return aws;
}
