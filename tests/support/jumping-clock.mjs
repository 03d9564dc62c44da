// Loaded before a process's own code (node --import): the wall clock jumps a day forth and back, twice a second.
const day = 86_400_000;
const RealDate = Date;
const now = () => RealDate.now() + (Math.floor(performance.now() / 250) % 2 === 0 ? day : -day);

globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [now()] : args));
  }
  static now() {
    return now();
  }
};
