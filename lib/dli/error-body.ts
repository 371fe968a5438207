import type { RateHint } from '../http/throttling.ts';

/*
 * What the body of an error answer says. DLI, its gateway, IAM and STS use several forms, and put some of it into prose only.
 */

const CODE = /^[A-Za-z][A-Za-z0-9]{1,15}\.[0-9]{1,8}$/;

/**
 * Finds the error code in a body of any form: flat (`error_code`, `errorCode`, `code`), nested under any key, or in an
 * array. The first code found counts, outermost first.
 *
 * @returns undefined for HTML, an empty body, or a body without a code. IAM's bare numbers are not codes.
 */
export function findErrorCode(body: unknown): string | undefined {
  let level: unknown[] = [body];
  for (let depth = 0; depth < 4 && level.length > 0; depth++) {
    const objects = level.filter(
      (value): value is Record<string, unknown> => typeof value === 'object' && value !== null,
    );
    for (const object of objects) {
      for (const key of ['error_code', 'errorCode', 'code']) {
        const code = object[key];
        if (typeof code === 'string' && CODE.test(code)) return code;
      }
    }
    level = objects.flatMap((object) => Object.values(object).slice(0, 100));
  }
  return undefined;
}

/**
 * Reasons for which a credential is refused, in words of our own. The gateway gives the reason only as fixed words in its
 * text. They hold no secret, but the text around them may, so it is not shown. Nothing depends on the reason.
 *
 * @see public reports of APIG.0301, such as jeessy2/ddns-go#844 and huaweicloud/huaweicloud-sdk-python#13
 */
export const REFUSAL_WORDS = {
  secret: 'the signature is wrong',
  key: 'there is no such access key',
  token: 'the token is not valid, or has expired',
  clock: 'the signature is too old, or dated in the future',
  locked: 'the key is locked',
  // The advice is all there is to say.
  login: '',
} as const;

export type RefusalReason = keyof typeof REFUSAL_WORDS;

const REFUSAL_TEXTS: readonly [RegExp, RefusalReason][] = [
  [/failed to reach the limit/i, 'locked'],
  [/signature expired/i, 'clock'],
  [/ak not exist/i, 'key'],
  [/verify aksk signature fail/i, 'secret'],
  [/decrypt token fail|token expires/i, 'token'],
];

/** Finds the reason in the body of a 401. @returns undefined if the body does not give one. */
export function findRefusalReason(body: unknown): RefusalReason | undefined {
  const text = messageIn(body);
  return text === undefined ? undefined : REFUSAL_TEXTS.find(([pattern]) => pattern.test(text))?.[1];
}

/** Finds the limit in the body of a 429. It is a hint, and nothing depends on it. */
export function findRateHint(body: unknown): RateHint | undefined {
  const text = messageIn(body);
  return text === undefined ? undefined : parseRateHint(text);
}

function messageIn(body: unknown): string | undefined {
  const text = typeof body === 'object' && body !== null && 'error_msg' in body ? body.error_msg : undefined;
  return typeof text === 'string' ? text.slice(0, 1_000) : undefined;
}

/**
 * Reads the limit that the gateway names in a refusal: `…policy user over ratelimit,limit:60,time:1 minute`. No document
 * says that the text stays as it is; without it the pacer measures.
 */
export function parseRateHint(text: string): RateHint | undefined {
  const match = /limit:\s*(\d{1,7}),\s*time:\s*(\d{1,4})\s*(second|minute)/.exec(text);
  if (!match) return undefined;
  const calls = Number(match[1]);
  const windowMs = Number(match[2]) * (match[3] === 'minute' ? 60_000 : 1_000);
  return calls > 0 && windowMs > 0 && windowMs <= MAX_WINDOW_MS ? { calls, windowMs } : undefined;
}

/** A quota for hours or days is no pace: spaced over a day, a sweep would make a handful of calls. */
const MAX_WINDOW_MS = 60_000;
