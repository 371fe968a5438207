/** A permanent access key, or a temporary one together with its token. */
export interface AccessKeyCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  /** Temporary credentials have one. */
  securityToken?: string | undefined;
}

/** An IAM user's own password, for clouds whose gateway takes no plain signature, such as Open Telekom Cloud. */
export interface PasswordCredentials {
  userName: string;
  password: string;
  /** The account that the user belongs to. */
  domainName: string;
  /** Such as `https://iam.eu-de.otc.t-systems.com`. */
  iamEndpoint: URL;
}

export type Credentials = AccessKeyCredentials | PasswordCredentials;

/**
 * The place that a credential is read from. It is read again after a 401, because a rotated key is the one thing that a
 * second attempt can mend.
 */
export interface CredentialSource {
  /** Clients with the same name share a rate limit. It is not a secret. */
  name: string;
  read(): Promise<Credentials>;
  /** Returns the credential from an earlier reading, for a question that must not cost one of its own. */
  known?: (() => Credentials) | undefined;
}
