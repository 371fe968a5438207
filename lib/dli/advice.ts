import { messageOf } from '../base/error-words.ts';
import { isLoopback } from '../http/endpoint.ts';
import type { NetworkError, TimeoutError } from '../http/errors.ts';
import type { ErrorKind } from './classify.ts';
import type { RefusalReason } from './error-body.ts';
import {
  DliError,
  DliNetworkError,
  DliRefusedBeforeError,
  DliResponseError,
  DliTimeoutError,
  type Peer,
} from './errors.ts';

/** Returns what can be done about an error; undefined if waiting is all there is. */
export function adviceOn(error: DliError): string | undefined {
  if (error instanceof DliNetworkError || error instanceof DliTimeoutError) return adviceOnNetwork(error.cause);
  if (error instanceof DliRefusedBeforeError) return adviceOn(error.cause);
  return adviceOnAnswer(error instanceof DliResponseError ? error : { kind: error.kind });
}

/** The message of anything that was thrown, with what to do about it if that is known. */
export function describeError(error: unknown, separator = '; '): string {
  const advice = error instanceof DliError ? adviceOn(error) : undefined;
  return advice === undefined ? messageOf(error) : messageOf(error) + separator + advice;
}

const NO_ANSWER = 'check the endpoint and the network; no answer came';

/** Error codes of a certificate that is not signed by an authority on this machine's list. */
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

/** Returns what can be done if no answer came. */
function adviceOnNetwork(error: NetworkError | TimeoutError): string {
  const code = 'code' in error ? error.code : undefined;
  const { route = { host: 'the server' }, sent } = error;
  const { host, proxy } = route;
  if (code?.startsWith('PROXY_')) return adviceOnProxy(Number(code.slice('PROXY_'.length)), host);
  if (code !== undefined && UNTRUSTED.has(code)) {
    return `this machine does not trust the certificate of ${host}. If this network has its own certificate authority, save the authority's certificate to a file and set NODE_EXTRA_CA_CERTS to the path of that file; NODE_TLS_REJECT_UNAUTHORIZED is ignored, since the calls carry credentials`;
  }
  switch (code) {
    case 'ENOTFOUND':
      return proxy === undefined
        ? `there is no host ${host}: ${REGION_WORDS}${orProxy(route)}`
        : `check HTTPS_PROXY, whose host ${proxy} was not found`;
    case 'EAI_AGAIN':
      return `the name of ${proxy ?? host} could not be looked up: check the network of this machine${orProxy(route)}`;
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return `the certificate of ${host} is not valid at this moment: check the clock of this machine`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `the certificate does not belong to ${host}: check the endpoint, and any proxy on the way to it`;
    default:
      if (proxy !== undefined) return `check the endpoint, and the proxy ${proxy} in HTTPS_PROXY; no answer came`;
      return sent ? NO_ANSWER : NO_ANSWER + orProxy(route);
  }
}

const REGION_WORDS =
  'check the region, which needs the name that Huawei Cloud gives it, such as eu-west-101, or the endpoint; another cloud needs its own endpoint, such as https://dli.eu-de.otc.t-systems.com';

/** Names HTTPS_PROXY, unless there is a proxy already or the call was to this machine itself. */
const orProxy = ({ host, proxy }: { host: string; proxy?: string | undefined }) =>
  proxy !== undefined || isLoopback(new URL(`http://${host.replaceAll(' ', '-')}`).hostname)
    ? ''
    : '; if this network needs a proxy, set HTTPS_PROXY';

function adviceOnProxy(status: number, host: string): string {
  return status === 407
    ? 'the proxy wants a name and a password: set HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT, with special characters percent-encoded'
    : `the proxy refused the call: have ${host} allowed there, or add it to NO_PROXY if it can be reached without the proxy`;
}

/** An answer that is a refusal. */
interface Refused {
  kind: ErrorKind;
  status?: number;
  errorCode?: string | undefined;
  refusal?: RefusalReason | undefined;
  peer?: Peer | undefined;
}

const LOCKS = 'five refusals in a row lock a key for five minutes, for everyone who uses it';

/** Returns what can be done about a refusal; undefined if waiting is all there is. */
function adviceOnAnswer({ kind, status, errorCode, refusal, peer }: Refused): string | undefined {
  const where = peer === undefined || peer.credential === '' ? '' : ` in ${peer.credential}`;
  switch (kind) {
    case 'authentication':
      return adviceOnRefusal(refusal, where);
    case 'configuration':
      if (status === 407) return adviceOnProxy(status, '');
      if (errorCode === undefined) {
        return `${peer?.host ?? 'the endpoint'} did not answer like DLI, but like a proxy, a login page or another service: check the endpoint, and any proxy on the way to it`;
      }
      return 'check that endpoint, region and project id belong together: a project exists in one region only';
    case 'permission':
      return 'the IAM user lacks a right; docs/deploy.md lists those it needs';
    default:
      return undefined;
  }
}

/** @param where the place where the credential is kept, as ` in …`; empty if it is not known. */
function adviceOnRefusal(refusal: RefusalReason | undefined, where: string): string {
  switch (refusal) {
    case 'secret':
      return `check the credential and copy both parts of it again: the secret key${where} does not belong to the access key; ${LOCKS}`;
    case 'key':
      return `check the credential and the cloud that it is for: the access key${where} was deleted, belongs to another cloud, or was swapped with its secret; ${LOCKS}`;
    case 'token':
      return `get a new temporary key: the token of the credential${where} has expired or was revoked`;
    case 'clock':
      return "correct this machine's clock; the credential may be good";
    case 'locked':
      return `wait five minutes, and correct the credential${where} before it is tried again: ${LOCKS}`;
    case 'login':
      return `check the credential${where}: user name, password, account and project; a user whose logins fail too often is locked`;
    default:
      return `check the credential and this machine's clock${where === '' ? '' : `; the credential is${where}`}; ${LOCKS}`;
  }
}
