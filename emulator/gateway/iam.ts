import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { type Answer, gatewayError } from '../base/answer.ts';

export interface IamUser {
  name: string;
  password: string;
  domainName: string;
}

export interface IamOptions {
  users: readonly IamUser[];
  /** The one project there is. */
  project: { id: string; name: string };
  /** 24 hours, as in the real world, unless told. */
  lifetimeMs?: number | undefined;
  /** When the access keys were made, epoch ms; a month ago unless told. */
  keysMadeAt?: number | undefined;
  now: () => number;
}

export type Iam = ReturnType<typeof createIam>;

const LIFETIME_MS = 24 * 3_600_000;
const MONTH_MS = 30 * 24 * 3_600_000;

/** "Obtaining a User Token Through Password Authentication": tokens by password, for one project each. */
export function createIam({ users, project, lifetimeMs = LIFETIME_MS, now, ...options }: IamOptions) {
  const { keysMadeAt = now() - MONTH_MS } = options;
  let isAvailable = true;
  const tokens = new Map<string, { user: string; projectId: string; expiresAt: number }>();

  return {
    /** POST /v3/auth/tokens; the token is in X-Subject-Token, its end in the body, with microseconds. */
    issue(body: Buffer): Answer {
      if (!isAvailable) return UNAVAILABLE;
      const asked = parse(body);
      if (asked === undefined) return iamError(400, 'Bad Request', 'The request body is invalid');
      const user = users.find(
        ({ name, password, domainName }) =>
          name === asked.user.name && password === asked.user.password && domainName === asked.user.domain.name,
      );
      if (user === undefined) return iamError(401, 'Unauthorized', 'The username or password is wrong.');
      // The default project of a region bears its name.
      const projectId = asked.project.id ?? (asked.project.name === project.name ? project.id : undefined);
      if (projectId === undefined) return iamError(401, 'Unauthorized', 'The project does not exist.');
      const token = randomBytes(32).toString('base64url');
      const expiresAt = now() + lifetimeMs;
      tokens.set(token, { user: user.name, projectId, expiresAt });
      return {
        status: 201,
        body: {
          token: {
            expires_at: toMicroseconds(expiresAt),
            issued_at: toMicroseconds(now()),
            methods: ['password'],
            project: { id: projectId, name: project.name },
            roles: [],
          },
        },
        headers: { 'x-subject-token': token },
      };
    },

    /**
     * GET /v3.0/OS-CREDENTIAL/credentials/{access_key}, "Querying a Permanent Access Key".
     *
     * @param user who asks; for now a key knows only itself.
     */
    showKey(accessKeyId: string, user: string): Answer {
      if (!isAvailable) return UNAVAILABLE;
      if (accessKeyId !== user) return iamError(404, 'Not Found', 'akkey not found');
      const credential = { access: accessKeyId, create_time: toMicroseconds(keysMadeAt), status: 'active' };
      return { status: 200, body: { credential: { user_id: 'emulated', description: '', ...credential } } };
    },

    /**
     * GET /v3/projects/{project_id}, "Querying Project Information - KeystoneShowProject": for any user of the account. What
     * IAM says of a project that is not there is told by the status 404 alone.
     */
    showProject(projectId: string): Answer {
      if (!isAvailable) return UNAVAILABLE;
      if (projectId !== project.id) return iamError(404, 'Not Found', `Could not find project: ${projectId}.`);
      return {
        status: 200,
        body: {
          project: {
            is_domain: false,
            description: '',
            enabled: true,
            id: project.id,
            parent_id: 'emulated',
            domain_id: 'emulated',
            name: project.name,
          },
        },
      };
    },

    /** @param projectId if the call is for one. @returns the user's name, or the refusal. */
    check(token: string, projectId: string | undefined, requestId: string): { user: string } | { refusal: Answer } {
      const entry = tokens.get(token);
      if (entry === undefined || now() >= entry.expiresAt) {
        const problem = entry === undefined ? 'decrypt token fail' : 'token expires';
        const message = `Incorrect IAM authentication information: ${problem}`;
        return { refusal: gatewayError(401, 'APIG.0307', message, requestId) };
      }
      if (projectId !== undefined && entry.projectId !== projectId) {
        return { refusal: gatewayError(403, 'APIG.0302', 'The IAM user is not allowed to access the API', requestId) };
      }
      return { user: entry.user };
    },

    setAvailable: (available: boolean) => {
      isAvailable = available;
    },

    /** As after a change of the password: whatever was issued is worth nothing. */
    revokeAll: () => tokens.clear(),
  };
}

/** IAM's own form: nested, and with a number for a code. */
function iamError(code: number, title: string, message: string): Answer {
  return { status: code, body: { error: { code, message, title } } };
}

const UNAVAILABLE = iamError(503, 'Service Unavailable', 'The service is unavailable.');

function toMicroseconds(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/(\.\d{3})Z$/, '$1000Z');
}

const request = v.object({
  auth: v.object({
    identity: v.object({
      password: v.object({
        user: v.object({ name: v.string(), password: v.string(), domain: v.object({ name: v.string() }) }),
      }),
    }),
    scope: v.object({ project: v.object({ id: v.optional(v.string()), name: v.optional(v.string()) }) }),
  }),
});

function parse(body: Buffer) {
  let document: unknown;
  try {
    document = JSON.parse(body.toString());
  } catch {
    return undefined;
  }
  const result = v.safeParse(request, document);
  if (!result.success) return undefined;
  const { identity, scope } = result.output.auth;
  return { user: identity.password.user, project: scope.project };
}
