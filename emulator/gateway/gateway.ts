import { type Answer, gatewayError } from '../base/answer.ts';
import type { HttpRequest } from '../base/request.ts';
import type { Authenticate } from './authentication.ts';
import type { Throttle } from './throttle.ts';

export interface GatewayOptions {
  authenticate: Authenticate;
  throttle: Throttle;
  /** The one project that is available. */
  projectId: string;
}

/** Makes the checks of the gateway, in its order: authentication, project, throttle. */
export function createGateway({ authenticate, throttle, projectId }: GatewayOptions) {
  /** @returns the refusal; undefined if the call may go on to DLI. */
  return function findRefusal(request: HttpRequest, calledProjectId: string): Answer | undefined {
    const identity = authenticate(request, calledProjectId);
    if ('refusal' in identity) return identity.refusal;
    if (calledProjectId !== projectId) {
      return gatewayError(403, 'APIG.0310', 'The project is unavailable', request.requestId);
    }
    return throttle(identity.user, request.requestId);
  };
}
