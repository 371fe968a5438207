import { DliError, isAnswer, isRetryable } from './errors.ts';

interface AuthGateOptions {
  /** Looks for something new to try. @returns whether there is something. */
  renew: () => Promise<boolean>;
  /** Called when nothing that is sent from now on can succeed. */
  onFailure: (error: DliError) => void;
  /** Called when an answer shows that the credential is good. */
  onProof?: () => void;
}

export interface AuthGate {
  /** Returns the refusal that ended everything; undefined while calls may be sent. */
  failure: () => DliError | undefined;
  /** Sends a call when it may be sent, and once more after a refusal if there is something new to try. */
  pass: <T>(send: () => Promise<T>) => Promise<T>;
}

/**
 * Sends calls one at a time until one has authenticated, and none while a refused credential is read again or after it has
 * failed: five failures lock an access key for everyone who uses it, for five minutes (API Gateway, "AK access failed to
 * reach the limit").
 */
export function createAuthGate(options: AuthGateOptions): AuthGate {
  const credential = createCredentialState(options);
  /** The call that is to find out whether the credential is good. Never rejects. */
  let trial: Promise<void> | undefined;

  return {
    failure: credential.failure,
    pass: async (send) => {
      for (let isRepeated = false; ; isRepeated = true) {
        for (let wait = trial ?? credential.renewal(); wait !== undefined; wait = trial ?? credential.renewal()) {
          await wait;
        }
        const failure = credential.failure();
        if (failure !== undefined) throw failure;

        const sending = trySending(send, credential, isRepeated);
        if (!credential.isProven()) {
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

type CredentialState = ReturnType<typeof createCredentialState>;

/** What is known about the credential. */
function createCredentialState({ renew, onFailure, onProof }: AuthGateOptions) {
  let failure: DliError | undefined;
  /** Counts changes since the first call. A call that was refused with an older state just tries the newer one. */
  let generation = 0;
  let provenGeneration = -1;
  /** Reads the credential again. Never rejects; at its end either the generation or the failure has been set. */
  let renewal: Promise<void> | undefined;

  const fail = (error: DliError) => {
    failure ??= error;
    onFailure(failure);
  };

  return {
    failure: () => failure,
    renewal: () => renewal,
    generation: () => generation,
    isProven: () => provenGeneration === generation,
    fail,
    prove: (seen: number) => {
      if (provenGeneration >= seen) return;
      provenGeneration = seen;
      onProof?.();
    },
    renewAfter: (refusal: DliError): Promise<void> => {
      renewal ??= renew()
        // A credential that cannot be read again has not changed: the refusal itself is what the reader needs to know.
        .catch(() => false)
        .then((hasChanged) => {
          if (hasChanged) generation += 1;
          else fail(refusal);
          renewal = undefined;
        });
      return renewal;
    },
  };
}

/** @returns undefined if the call is to be sent again with what is new. */
async function trySending<T>(
  send: () => Promise<T>,
  credential: CredentialState,
  isRepeated: boolean,
): Promise<{ result: T } | undefined> {
  const seen = credential.generation();
  try {
    const result = await send();
    credential.prove(seen);
    return { result };
  } catch (error) {
    // A sick service may have answered without a look at the credential.
    if (isAnswer(error) && !isRetryable(error)) credential.prove(seen);
    if (!(error instanceof DliError) || error.kind !== 'authentication') throw error;
    if (isRepeated) credential.fail(error);
    else if (credential.generation() === seen) await credential.renewAfter(error);
    if (credential.failure() !== undefined) throw error;
    return undefined;
  }
}
