/** What `elbo` ends with. The same list is printed by `elbo --help`. */
export const exitCodes = {
  ok: 0,
  /** The run, or the command, failed. */
  failed: 1,
  /** The command line or the run spec does not hold: nothing was started. */
  usage: 2,
  /** SIGINT: stopped and saved; a watcher no longer watches. */
  interrupted: 130,
  /** SIGTERM: stopped and saved. */
  terminated: 143,
} as const;

export const exitCodesHelp = `Exit codes:
  0    done
  1    the run or the command failed; the message says what happened and what to do
  2    the command line or the run spec does not hold; nothing was started
  130  interrupted (Ctrl-C) and saved; a second Ctrl-C ends at once and saves nothing. Watching a cluster's run ends, and
       the run goes on
  143  terminated (SIGTERM) and saved`;
