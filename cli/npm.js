// Plain JavaScript on purpose: it must run on an old Node.

/** How long a parent may be gone before it is noticed. */
const LOOK_MS = 250;

/** Whether npm or npx runs this command itself, and not something else that starts it in turn. */
function isRunByNpm({ npm_command: command, npm_lifecycle_script: script = '' }) {
  return command !== undefined && /dli-reaper|with-node-24|dli-job-reaper/.test(script);
}

/**
 * Calls `end` once the parent is gone, where npm or npx is the parent. They pass SIGTERM on to their shell alone, and a shell
 * ends without its child: the command would go on with nobody to stop it. Any other parent may end before the command does,
 * as one of nohup or of a service.
 */
export function endWithNpm(end) {
  if (!isRunByNpm(process.env)) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    end();
  }, LOOK_MS);
  timer.unref();
}

/**
 * How the command is called where it was started, so that a line of it that is printed can be pasted there.
 *
 * @param {boolean} isClone whether this is the source and not the package.
 */
export function commandName(isClone) {
  const { npm_command: command, npm_config_package: packed } = process.env;
  // npx -p keeps the package for this one command.
  if (command === 'exec' && packed) return `npx -p ${packed} dli-reaper`;
  return isClone || command !== undefined ? 'npx dli-reaper' : 'dli-reaper';
}
