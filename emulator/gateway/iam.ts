import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { type Answer, gatewayError } from '../base/answer.ts';

export interface IamUser {
  name: string;
  password: string;
  domainName: string;
}

export interface Project {
  id: string;
  /** The default project of a region has the name of the region. */
  name: string;
}

export interface IamOptions {
  users: readonly IamUser[];
  /** The one project that exists. */
  project: Project;
  /** How long a token is good, in ms. Default: 24 hours, as in the real world. */
  lifetimeMs?: number | undefined;
  /** When the access keys were made, epoch ms. Default: a month ago. */
  keysMadeAt?: number | undefined;
  now: () => number;
}

export type Iam = ReturnType<typeof createIam>;

const LIFETIME_MS = 24 * 3_600_000;
const MONTH_MS = 30 * 24 * 3_600_000;

interface Token {
  user: string;
  /** Undefined for a token of the account. */
  projectId: string | undefined;
  issuedAt: number;
  expiresAt: number;
}

/** Creates an IAM that issues tokens by password, for a project or the account, and knows its keys and its project. */
export function createIam({ users, project, lifetimeMs = LIFETIME_MS, now, ...options }: IamOptions) {
  const { keysMadeAt = now() - MONTH_MS } = options;
  let isAvailable = true;
  const tokens = new Map<string, Token>();

  return {
    /** POST /v3/auth/tokens, "Obtaining a User Token Through Password Authentication". */
    issue(body: Buffer): Answer {
      if (!isAvailable) return UNAVAILABLE;
      const asked = parse(body);
      if (asked === undefined) return iamError(400, 'Bad Request', 'The request body is invalid');
      const user = users.find(
        ({ name, password, domainName }) =>
          name === asked.user.name && password === asked.user.password && domainName === asked.user.domain.name,
      );
      if (user === undefined) return iamError(401, 'Unauthorized', 'The username or password is wrong.');
      const asks = asked.project ?? {};
      const projectId = asks.id ?? (asks.name === project.name ? project.id : undefined);
      if (projectId === undefined && !asked.isForAccount) {
        return iamError(401, 'Unauthorized', 'The project does not exist.');
      }
      const id = randomBytes(32).toString('base64url');
      const token = { user: user.name, projectId, issuedAt: now(), expiresAt: now() + lifetimeMs };
      tokens.set(id, token);
      return issuedAnswer(id, token, user, project.name);
    },

    /**
     * GET /v3.0/OS-CREDENTIAL/credentials/{access_key}, "Querying a Permanent Access Key".
     *
     * @param user who asks. Here, a key can only ask about itself.
     */
    showKey(accessKeyId: string, user: string): Answer {
      if (!isAvailable) return UNAVAILABLE;
      if (accessKeyId !== user) return iamError(404, 'Not Found', 'akkey not found');
      const create_time = toMicroseconds(keysMadeAt);
      const credential = { user_id: 'emulated', description: '', access: accessKeyId, create_time, status: 'active' };
      return { status: 200, body: { credential } };
    },

    /**
     * GET /v3/projects/{project_id}, "Querying Project Information - KeystoneShowProject". Any user of the account may ask.
     * For an unknown project, only the status 404 is documented; the body is a guess.
     */
    showProject(projectId: string): Answer {
      if (!isAvailable) return UNAVAILABLE;
      if (projectId !== project.id) return iamError(404, 'Not Found', `Could not find project: ${projectId}.`);
      return { status: 200, body: { project: describeProject(project) } };
    },

    /** GET /v3/projects, "Querying Project Information Based on the Specified Criteria". SDKs ask by the name of the region. */
    listProjects(name: string | undefined): Answer {
      if (!isAvailable) return UNAVAILABLE;
      const projects = name === undefined || name === project.name ? [describeProject(project)] : [];
      return { status: 200, body: { projects, links: LINKS } };
    },

    /** GET /v3/auth/domains, "Querying the Accounts That a User Can Access". SDKs ask for calls that are for no region. */
    listDomains(): Answer {
      if (!isAvailable) return UNAVAILABLE;
      const domain = { id: 'emulated', name: users[0]?.domainName ?? 'emulated', enabled: true, description: '' };
      return { status: 200, body: { domains: [domain], links: LINKS } };
    },

    /**
     * Checks a token.
     *
     * @param projectId the project of the call; undefined if the call is for none.
     * @returns the user's name, or the refusal.
     */
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

    /** Makes all tokens worthless, as a change of the password does. */
    revokeAll: () => tokens.clear(),
  };
}

/** The token itself is in the header X-Subject-Token. */
function issuedAnswer(id: string, token: Token, { name, domainName }: IamUser, projectName: string): Answer {
  const { projectId, issuedAt, expiresAt } = token;
  const domain = { id: 'emulated', name: domainName };
  return {
    status: 201,
    body: {
      token: {
        expires_at: toMicroseconds(expiresAt),
        issued_at: toMicroseconds(issuedAt),
        methods: ['password'],
        ...(projectId === undefined ? { domain } : { project: { id: projectId, name: projectName, domain } }),
        user: { id: 'emulated', name, domain },
        roles: [],
        // Clients that look for an endpoint here have to be given one.
        catalog: [],
      },
    },
    headers: { 'x-subject-token': id },
  };
}

function describeProject({ id, name }: Project) {
  return { is_domain: false, description: '', enabled: true, id, parent_id: 'emulated', domain_id: 'emulated', name };
}

const LINKS = { self: null, previous: null, next: null };

/** An error in IAM's own form, which is nested and has a number as its code. */
export function iamError(code: number, title: string, message: string): Answer {
  return { status: code, body: { error: { code, message, title } } };
}

const UNAVAILABLE = iamError(503, 'Service Unavailable', 'The service is unavailable.');

/** IAM writes its times with microseconds. */
export function toMicroseconds(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/Z$/, '000Z');
}

const request = v.object({
  auth: v.object({
    identity: v.object({
      password: v.object({
        user: v.object({ name: v.string(), password: v.string(), domain: v.object({ name: v.string() }) }),
      }),
    }),
    scope: v.object({
      project: v.optional(v.object({ id: v.optional(v.string()), name: v.optional(v.string()) })),
      // A token for the account, which is good for no project.
      domain: v.optional(v.object({})),
    }),
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
  return { user: identity.password.user, project: scope.project, isForAccount: scope.domain !== undefined };
}
