import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const reaperScript = fileURLToPath(new URL('./reaper.mjs', import.meta.url));
const keptLines = 15;

/** A process of the cluster: what it is, how it ended, and the last that it said. */
export class ChildProcess {
  /** 'running', or how it ended: a signal or an exit code. */
  state = 'running';
  /** Whether its end was asked for. */
  ending = false;
  /** @type {string[]} */
  lastLines = [];
  /** @type {Promise<string>} */
  ended;

  /** @param {import('node:child_process').ChildProcess} child */
  constructor(name, child) {
    this.name = name;
    this.child = child;
    this.ended = new Promise((resolve) => {
      const end = (how) => {
        this.state = how;
        resolve(how);
      };
      child.once('error', (error) => end(error.message));
      child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.lastLines = [...this.lastLines, ...text.split('\n').filter(Boolean)].slice(-keptLines);
    });
  }

  get running() {
    return this.state === 'running';
  }

  signal(name) {
    if (this.running) this.child.kill(name);
  }

  kill() {
    this.ending = true;
    this.signal('SIGKILL');
    return this.ended;
  }

  /** For a person who wonders why nothing goes on. */
  describe() {
    const said = this.lastLines.map((line) => `\n    ${line.slice(0, 400)}`).join('');
    return `${this.name} (${this.child.pid}): ${this.running ? schedulerState(this.child.pid) : this.state}${said}`;
  }
}

/** The processes and the folder of a chaos run. A reaper ends them with this process, however that ends. */
export class Processes {
  folder = mkdtempSync(join(tmpdir(), 'elbo-chaos-'));
  /** @type {Set<ChildProcess>} */
  all = new Set();
  #reaper = spawn(process.execPath, [reaperScript, this.folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });

  /** In a process group of its own: Ctrl-C reaches this process, which ends the others in order. */
  spawn(name, command, args, { env = {}, stdout = false } = {}) {
    const stdio = ['ignore', stdout ? 'pipe' : 'ignore', 'pipe'];
    return this.#watched(name, spawn(command, args, { env: { ...process.env, ...env }, stdio, detached: true }));
  }

  /** The same with a channel for messages. */
  fork(name, script, args, env = {}) {
    const stdio = ['ignore', 'ignore', 'pipe', 'ipc'];
    return this.#watched(name, fork(script, args, { env: { ...process.env, ...env }, stdio, detached: true }));
  }

  /** Those that ended though nobody asked. */
  get lost() {
    return [...this.all].filter(({ running, ending }) => !running && !ending);
  }

  /** @returns {ChildProcess} */
  #watched(name, child) {
    const watched = new ChildProcess(name, child);
    this.all.add(watched);
    if (child.pid !== undefined) this.#reaper.stdin.write(`+${child.pid}\n`);
    watched.ended.then(() => {
      if (this.#reaper.stdin.writable && child.pid !== undefined) this.#reaper.stdin.write(`-${child.pid}\n`);
    });
    return watched;
  }

  /** Seconds of CPU that all of them took so far, those that have ended too (Linux's stat; its clock ticks at 100 Hz). */
  get cpuSeconds() {
    const [ofEndedUser, ofEndedSystem] = statTimes('self').slice(2);
    const running = [...this.all].filter((one) => one.running).map((one) => statTimes(one.child.pid));
    return running.reduce((sum, [user, system]) => sum + user + system, ofEndedUser + ofEndedSystem) / 100;
  }

  describe() {
    return [...this.all]
      .filter(({ running, ending }) => running || !ending)
      .map((one) => `  ${one.describe()}`)
      .join('\n');
  }

  /** Ends every process and removes the folder. */
  async close() {
    await Promise.all([...this.all].map((one) => one.kill()));
    if (this.#reaper.exitCode !== null) return;
    const exited = once(this.#reaper, 'exit');
    this.#reaper.stdin.end();
    await exited;
  }
}

function schedulerState(pid) {
  try {
    return /^State:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 'running';
  } catch {
    return 'running';
  }
}

/** utime, stime, cutime and cstime of a process. */
function statTimes(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ').slice(11, 15).map(Number);
  } catch {
    return [0, 0, 0, 0]; // it has ended meanwhile
  }
}
