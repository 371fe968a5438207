import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

/** Imports the bundle as Lambda does, calls it once, and reports its result or error. Ends with the process that started it. */
const PROGRAM = `
  const [bundle, awsRequestId, functionName, timeoutMs] = process.argv.slice(1);
  const endsAt = Date.now() + Number(timeoutMs);
  const context = { awsRequestId, functionName, getRemainingTimeInMillis: () => endsAt - Date.now() };
  const leave = () => process.exit(1);
  process.once('disconnect', leave);
  process.once('message', async ({ event }) => {
    const result = await import(bundle)
      .then(({ handler }) => handler(event, context))
      .then((returned) => ({ returned }), (error) => ({ threw: error.name + ': ' + error.message }));
    process.off('disconnect', leave);
    process.send(result, () => process.disconnect());
  });
`;

export interface FunctionCall {
  /** Path of the bundle. */
  bundle: string;
  name: string;
  event: unknown;
  requestId: string;
  /** The whole environment: none of the caller's own variables reach a function. */
  env: Readonly<Record<string, string>>;
  /** The process is ended after this time. */
  timeoutMs: number;
  /** Ends the process. */
  signal?: AbortSignal;
  /** Called with each line that the function writes. */
  onLine: (line: string) => void;
}

/** The result of a function, or the name and message of its error. */
export interface FunctionResult {
  returned?: object;
  threw?: string;
}

/** Calls a bundled function in its own process. */
export async function callFunction(call: FunctionCall): Promise<FunctionResult> {
  const { bundle, name, event, requestId, env, timeoutMs, signal, onLine } = call;
  const program = [
    '--input-type=module',
    '-e',
    PROGRAM,
    pathToFileURL(bundle).href,
    requestId,
    name,
    String(timeoutMs),
  ];
  const child = spawn(process.execPath, program, {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    ...(signal !== undefined && { signal }),
  });
  let result: FunctionResult = { threw: 'the process ended without a result' };
  child.once('message', (message) => {
    result = message as FunctionResult;
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  // What ends a process early also comes as an error.
  child.once('error', (error) => {
    result = { threw: error.message };
  });
  child.send({ event });
  const logged = [child.stdout, child.stderr].map(async (stream) => {
    if (stream !== null) for await (const line of createInterface(stream)) onLine(line);
  });
  await Promise.all([...logged, closed]);
  return result;
}
