import { UsageError } from '../errors.js';

export interface HostAndPort {
  /** Without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
}

/** A parser for the addresses of a flag. @throws UsageError */
export function hostAndPort(flag: string): (text: string) => HostAndPort {
  return (text) => {
    const [, host, digits] = /^(\[[0-9a-f:]+\]|[^:\s]+):(\d{1,5})$/i.exec(text) ?? [];
    const port = Number(digits);
    if (host === undefined || !(port <= 65_535)) {
      throw new UsageError(`${flag}: '${text}' is not allowed; it must look like 0.0.0.0:7350`);
    }
    return { host: host.replace(/^\[|\]$/g, ''), port };
  };
}
