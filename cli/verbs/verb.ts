import { Command, type ErrorOptions } from 'commander';
import { environment } from '../../lib/settings/environment.ts';
import { usageLines } from './place.ts';

/** A verb. Its errors name the word that is too many, and the flag that was probably meant. */
export class Verb extends Command {
  override createCommand(name?: string): Verb {
    return new Verb(name);
  }

  override error(message: string, options?: ErrorOptions): never {
    return super.error(usageLines(message, options?.code, this, environment).join('\n'), options);
  }
}
