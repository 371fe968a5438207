import { DliError, isAnswer, isRetryable } from './errors.ts';

interface AuthGateOptions {
  /** Whether there is now something new to try. */
  renew: () => Promise<boolean>;
  /** Called when nothing that is sent from now on can succeed. */
  onFailure: (error: DliError) => void;
  /** Called when an answer shows that the credential is good. */
  onProof?: () => void;
}

/**
 * Lets calls through one at a time until one has authenticated, and none while a refused credential is read again or
 * after it has failed: five failures lock an access key for everybody who uses it, for five minutes (API Gateway, "AK
 * access failed to reach the limit").
 */
export function createAuthGate({ renew, onFailure, onProof }: AuthGateOptions) {
  let failure: DliError | undefined;
  /** Counts what has been changed since the first call; a call refused with an older state just tries the newer. */
  let generation = 0;
  let provenGeneration = -1;
  /** The call that is to find out whether the credential is good. Never rejects, like the next one. */
  let trial: Promise<unknown> | undefined;
  /** Reads the credential again; by its end either the generation or the failure has been set. */
  let renewal: Promise<void> | undefined;

  const fail = (error: DliError) => {
    failure ??= error;
    onFailure(failure);
  };

  const prove = (seen: number) => {
    if (provenGeneration >= seen) return;
    provenGeneration = seen;
    onProof?.();
  };

  function renewAfter(refusal: DliError): Promise<void> {
    renewal ??= renew()
      // A credential that cannot be read again has not changed: the refusal itself is what the reader needs to know.
      .catch(() => false)
      .then((hasChanged) => {
        if (hasChanged) generation += 1;
        else fail(refusal);
        renewal = undefined;
      });
    return renewal;
  }

  /** @returns undefined if it is to be sent again with what is new. */
  async function trySending<T>(send: () => Promise<T>, isRepeated: boolean): Promise<{ result: T } | undefined> {
    const seen = generation;
    try {
      const result = await send();
      prove(seen);
      return { result };
    } catch (error) {
      // What a sick service answers, it may have answered without a look at the credential.
      if (isAnswer(error) && !isRetryable(error)) prove(seen);
      if (!(error instanceof DliError) || error.kind !== 'authentication') throw error;
      if (isRepeated) fail(error);
      else if (generation === seen) await renewAfter(error);
      if (failure !== undefined) throw error;
      return undefined;
    }
  }

  return {
    failure: () => failure,
    pass: async <T>(send: () => Promise<T>): Promise<T> => {
      for (let isRepeated = false; ; isRepeated = true) {
        while (trial !== undefined || renewal !== undefined) await (trial ?? renewal);
        if (failure !== undefined) throw failure;

        const sending = trySending(send, isRepeated);
        if (provenGeneration !== generation) {
          const mine = sending.then(
            () => undefined,
            () => undefined,
          );
          trial = mine.then(() => {
            trial = undefined;
          });
        }
        const sent = await sending;
        if (sent !== undefined) return sent.result;
      }
    },
  };
}
