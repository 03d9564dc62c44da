/**
 * Keeps the event loop of its thread turning for a while, so that what comes soon is seen at once: a thread that sleeps
 * is woken by the system first, which takes a twentieth of a millisecond and more on a virtual machine.
 */
export class Lookout {
  #turn: NodeJS.Immediate | undefined;
  #until = 0;

  /**
   * @param ms Milliseconds from `begin` until it ends by itself: what does not come by then may take its time.
   * @param look Called at every turn.
   */
  constructor(
    private readonly ms: number,
    private readonly look: () => void = () => {},
  ) {}

  begin(): void {
    this.#until = performance.now() + this.ms;
    this.#turn ??= setImmediate(this.#turned);
  }

  end(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
  }

  readonly #turned = (): void => {
    this.look();
    this.#turn = performance.now() < this.#until ? setImmediate(this.#turned) : undefined;
  };
}
