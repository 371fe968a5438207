// Stands in for the native part of AWS's runtime client, which takes minutes to compile: the same three calls, over Node's
// own http. Loaded before the client with --import.
import http from 'node:http';
import { registerHooks } from 'node:module';

const NATIVE = './rapid-client.node';
const [hostname, port] = String(process.env.AWS_LAMBDA_RUNTIME_API).split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, path, method, headers, agent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ bodyJson: Buffer.concat(chunks).toString(), headers: response.headers }));
    });
    request.on('error', reject).end(body);
  });
}

// The native calls return when the answer has come. Ours are awaited before the next invocation is requested.
let answered = Promise.resolve();
const answer = (path, body, headers) => {
  answered = call('POST', `/2018-06-01/runtime/invocation/${path}`, body, headers);
};

globalThis[Symbol.for('rapid-client')] = {
  next: async () => {
    await answered;
    return call('GET', '/2018-06-01/runtime/invocation/next');
  },
  done: (id, body) => answer(`${id}/response`, body),
  error: (id, body) => answer(`${id}/error`, body, { 'lambda-runtime-function-error-type': 'Error' }),
};

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === NATIVE ? { url: 'rapid-client:native', shortCircuit: true } : next(specifier, context),
  load: (url, context, next) =>
    url === 'rapid-client:native'
      ? { format: 'commonjs', source: "module.exports = globalThis[Symbol.for('rapid-client')];", shortCircuit: true }
      : next(url, context),
});
