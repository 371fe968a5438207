import type { Answer } from '../base/answer.ts';
import { decodeTarget, type HttpRequest } from '../base/request.ts';
import type { Authenticate } from './authentication.ts';
import type { Iam } from './iam.ts';
import type { TemporaryKeys } from './temporary-keys.ts';

export interface IamRoutesOptions {
  authenticate: Authenticate;
  iam: Iam;
  temporaryKeys: TemporaryKeys;
}

export interface IamRoute {
  /** The name for faults. Routes without one have no faults. */
  name?: 'show-project' | 'list-projects';
  run: () => Answer;
}

/** The calls of IAM and STS. In the real world they have hosts of their own; here they share DLI's. */
export function createIamRoutes({ authenticate, iam, temporaryKeys }: IamRoutesOptions) {
  /** @returns undefined if the request is not for IAM or STS. */
  return function findIamRoute(request: HttpRequest): IamRoute | undefined {
    const { body, requestId } = request;
    const forUser = (answer: (user: string) => Answer): Answer => {
      const identity = authenticate(request);
      return 'refusal' in identity ? identity.refusal : answer(identity.user);
    };

    const { path, query } = decodeTarget(request.target);
    const call = `${request.method} ${path}`;
    switch (call) {
      case 'POST /v3/auth/tokens':
        return { run: () => iam.issue(body) };
      case 'POST /v3.0/OS-CREDENTIAL/securitytokens':
        return { run: () => forUser(() => temporaryKeys.issueByIam(body)) };
      case 'POST /v5/agencies/assume':
        return { run: () => forUser(() => temporaryKeys.assumeAgency(body, requestId)) };
      case 'GET /v3/projects': {
        const [, name] = query.find(([key]) => key === 'name') ?? [];
        return { name: 'list-projects', run: () => forUser(() => iam.listProjects(name)) };
      }
      // The projects of the user alone. Here, there is one in all.
      case 'GET /v3/auth/projects':
        return { run: () => forUser(() => iam.listProjects(undefined)) };
      case 'GET /v3/auth/domains':
        return { run: () => forUser(() => iam.listDomains()) };
      default:
    }
    const [, accessKeyId] = /^GET \/v3\.0\/OS-CREDENTIAL\/credentials\/([^/]+)$/.exec(call) ?? [];
    if (accessKeyId !== undefined) return { run: () => forUser((user) => iam.showKey(accessKeyId, user)) };
    const [, projectId] = /^GET \/v3\/projects\/([^/]+)$/.exec(call) ?? [];
    if (projectId === undefined) return undefined;
    return { name: 'show-project', run: () => forUser(() => iam.showProject(projectId)) };
  };
}
