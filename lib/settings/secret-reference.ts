/** @see https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html */
const PREFIX = '/aws/reference/secretsmanager/';

/** "The secret name can contain ASCII letters, numbers, and the following characters: /_+=.@-" (CreateSecret). */
const SECRET_NAME = /^[A-Za-z0-9/_+=.@-]{1,512}$/;

/** Whether a name refers to a secret in Secrets Manager. Parameter Store can read it, but not list, write or version it. */
export const isSecretReference = (name: string): boolean => name.startsWith(PREFIX);

/** Whether a name refers to a secret whose own name is allowed. */
export const isValidReference = (name: string): boolean =>
  isSecretReference(name) && SECRET_NAME.test(name.slice(PREFIX.length));

export const REFERENCE_EXAMPLE = `${PREFIX}dli/reaper`;
