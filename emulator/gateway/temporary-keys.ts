import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { type Answer, gatewayError } from '../base/answer.ts';
import { iamError, toMicroseconds } from './iam.ts';

/** An access key that expires, and is only good together with its token. */
export interface TemporaryKey {
  accessKeyId: string;
  secretAccessKey: string;
  securityToken: string;
  /** Epoch ms. */
  expiresAt: number;
}

export type TemporaryKeys = ReturnType<typeof createTemporaryKeys>;

/** Issues temporary keys as IAM and STS do: for a token, or for the name of an agency. */
export function createTemporaryKeys(now: () => number) {
  const keys = new Map<string, TemporaryKey>();

  const issue = (seconds: number): TemporaryKey => {
    const random = (bytes: number) => randomBytes(bytes).toString('hex').toUpperCase();
    const key = {
      accessKeyId: `HST${random(9)}`,
      secretAccessKey: random(20),
      securityToken: random(128),
      expiresAt: now() + seconds * 1_000,
    };
    keys.set(key.accessKeyId, key);
    return key;
  };

  return {
    /** @returns undefined if the key was never issued or has expired. The gateway knows neither. */
    find: (accessKeyId: string): TemporaryKey | undefined => {
      const key = keys.get(accessKeyId);
      return key !== undefined && now() < key.expiresAt ? key : undefined;
    },

    /**
     * POST /v3.0/OS-CREDENTIAL/securitytokens, "Obtaining a Temporary Access Key and Security Token Through a Token" or
     * "… an Agency". A key is good for 900 to 86,400 seconds; default: 900.
     */
    issueByIam: (body: Buffer): Answer => {
      const asked = parse(iamRequest, body);
      if (asked === undefined) return iamError(400, 'Bad Request', 'The request body is invalid');
      const { assume_role: role, token } = asked.auth.identity;
      return iamAnswer(issue(role?.duration_seconds ?? token?.duration_seconds ?? 900));
    },

    /** POST /v5/agencies/assume, "AssumeAgency". A key is good for 900 to 43,200 seconds; default: 3,600. */
    assumeAgency: (body: Buffer, requestId: string): Answer => {
      const asked = parse(assumeRequest, body);
      if (asked === undefined) return gatewayError(400, 'STS5.0001', 'The request body is invalid', requestId);
      const urn = `${asked.agency_urn}/${asked.agency_session_name}`;
      return stsAnswer(issue(asked.duration_seconds ?? 3_600), urn);
    },
  };
}

function iamAnswer(key: TemporaryKey): Answer {
  return {
    status: 201,
    body: {
      credential: {
        access: key.accessKeyId,
        secret: key.secretAccessKey,
        securitytoken: key.securityToken,
        expires_at: toMicroseconds(key.expiresAt),
      },
    },
  };
}

function stsAnswer(key: TemporaryKey, urn: string): Answer {
  return {
    status: 200,
    body: {
      assumed_agency: { urn, id: key.accessKeyId },
      credentials: {
        access_key_id: key.accessKeyId,
        secret_access_key: key.secretAccessKey,
        security_token: key.securityToken,
        expiration: new Date(key.expiresAt).toISOString(),
      },
    },
  };
}

const seconds = (most: number) => v.optional(v.pipe(v.number(), v.integer(), v.minValue(900), v.maxValue(most)));

const iamRequest = v.object({
  auth: v.object({
    identity: v.pipe(
      v.object({
        methods: v.tuple([v.picklist(['token', 'assume_role'])]),
        token: v.optional(v.object({ duration_seconds: seconds(86_400) })),
        assume_role: v.optional(
          v.object({
            agency_name: v.string(),
            domain_id: v.optional(v.string()),
            domain_name: v.optional(v.string()),
            duration_seconds: seconds(86_400),
          }),
        ),
      }),
      v.check(({ methods, assume_role: role }) => {
        if (methods[0] === 'token') return true;
        return role !== undefined && (role.domain_id !== undefined || role.domain_name !== undefined);
      }),
    ),
  }),
});

const assumeRequest = v.object({
  agency_urn: v.pipe(v.string(), v.regex(/^iam::[^:]+:agency:.+$/)),
  agency_session_name: v.pipe(v.string(), v.regex(/^[\w+=,.@-]{2,128}$/)),
  duration_seconds: seconds(43_200),
});

function parse<T extends v.GenericSchema>(schema: T, body: Buffer): v.InferOutput<T> | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(body.toString()));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}
