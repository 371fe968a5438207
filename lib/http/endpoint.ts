const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Whether a host name means this machine. @param hostname with brackets if it is an IPv6 address. */
export const isLoopback = (hostname: string): boolean => LOOPBACK.test(hostname);

/** @throws {TypeError} for an endpoint that is neither https nor plain http to this machine. */
export function assertEndpoint(endpoint: URL): void {
  const isPlainToHere = endpoint.protocol === 'http:' && isLoopback(endpoint.hostname);
  if (endpoint.protocol !== 'https:' && !isPlainToHere) {
    throw new TypeError(
      `endpoint ${endpoint.protocol}//${endpoint.host}: only https is allowed (plain http only to this machine, such as http://127.0.0.1:8080)`,
    );
  }
  const { pathname, search, hash, username, password } = endpoint;
  if (pathname !== '/' || search !== '' || hash !== '' || username !== '' || password !== '') {
    throw new TypeError(`endpoint ${endpoint.protocol}//${endpoint.host}: give scheme, host and port only`);
  }
}
