import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { nameOf } from '../base/error-words.ts';
import type { Rendered } from './render.ts';

/** A message did not reach a topic of SNS. */
export class TopicError extends Error {
  override name = 'TopicError';
}

/** "Subjects must be ASCII text […], must not include line breaks or control characters, and must be less than 100 characters long." */
const LONGEST_SUBJECT = 99;

/**
 * Publishes a message to a topic. Mail has the title as its subject.
 *
 * @throws {TopicError}
 * @see https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 */
export async function publishToTopic(client: SNSClient, topic: string, { title, text }: Rendered): Promise<void> {
  const Subject = title.replace(/[^\u0020-\u007e]/g, '?').slice(0, LONGEST_SUBJECT);
  try {
    await client.send(new PublishCommand({ TopicArn: topic, Subject, Message: text }));
  } catch (error) {
    throw new TopicError(`cannot be published to ${topic} (${nameOf(error)})`, { cause: error });
  }
}

/** Returns the region of an ARN, which may be another than the function's; undefined for a name that is no ARN. */
export const regionOf = (arn: string): string | undefined => arn.split(':')[3];
