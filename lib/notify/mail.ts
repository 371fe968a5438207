import { SESv2Client, type SESv2ClientConfig, SendEmailCommand } from '@aws-sdk/client-sesv2';
import { nameOf } from '../base/error-words.ts';
import type { Rendered } from './render.ts';

/** A mail was not sent. The address is not shown, since it is a person's. */
export class MailError extends Error {
  override name = 'MailError';
}

/** Sends a message as mail. @throws {MailError} */
type SendMail = (message: Rendered, addresses: { from: string; to: string }) => Promise<void>;

/**
 * Creates what sends mail by SES, in plain text and nothing else.
 *
 * @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
 */
export function createMailer(config: SESv2ClientConfig): SendMail {
  const client = new SESv2Client(config);
  return async ({ title, text }, { from, to }) => {
    const Simple = { Subject: inUtf8(title), Body: { Text: inUtf8(text) } };
    const mail = { FromEmailAddress: from, Destination: { ToAddresses: [to] }, Content: { Simple } };
    try {
      await client.send(new SendEmailCommand(mail));
    } catch (error) {
      throw new MailError(`cannot be sent by SES (${nameOf(error)})`, { cause: error });
    }
  };
}

const inUtf8 = (Data: string) => ({ Data, Charset: 'UTF-8' });
