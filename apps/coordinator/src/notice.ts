/** Tells people something about a run: a `notice` event. `code` is for programs, `message` for people. */
export type Notice = (level: 'info' | 'warning', code: string, message: string) => void;
