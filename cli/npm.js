// Plain JavaScript on purpose: it must run on an old Node.

/** How often to check whether the parent is gone. */
const CHECK_MS = 250;

/** Whether npm or npx starts this command directly, and not through another program. */
function isRunByNpm({ npm_command: command, npm_lifecycle_script: script = '' }) {
  return command !== undefined && /dli-reaper|with-node-24|dli-job-reaper/.test(script);
}

/**
 * Calls `end` when the parent is gone, if the parent is npm or npx. They pass SIGTERM only to their shell, and the shell ends
 * without its child, so the command would keep running. Any other parent may end first, such as that of a service or nohup.
 */
export function endWithNpm(end) {
  if (!isRunByNpm(process.env)) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    end();
  }, CHECK_MS);
  timer.unref();
}

/**
 * Returns the command as it was called, so that a printed command line can be pasted.
 *
 * @param {boolean} isClone whether this is the source, and not the package.
 */
export function commandName(isClone) {
  const { npm_command: command, npm_config_package: packed } = process.env;
  // npx -p installs the package for this one command only.
  if (command === 'exec' && packed) return `npx -p ${packed} dli-reaper`;
  return isClone || command !== undefined ? 'npx dli-reaper' : 'dli-reaper';
}
