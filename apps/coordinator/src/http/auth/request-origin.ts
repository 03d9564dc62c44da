import type { IncomingHttpHeaders } from 'node:http';
import { hostname, networkInterfaces } from 'node:os';

const loopbackNames = ['localhost', '127.0.0.1', '[::1]'];
const wildcards = ['0.0.0.0', '::', '[::]'];

/**
 * Whether a Host header is one of the API's own names. A page of a stranger whose name was made to point here (DNS
 * rebinding) brings the stranger's name.
 * @param listen where it listens; all addresses of the machine when that is every one
 * @param more names it was told beside them
 */
export function hostCheck(listen: string, more: readonly string[]): (host: string | undefined) => boolean {
  const own = wildcards.includes(listen) ? machineNames() : [listen];
  const names = new Set([...loopbackNames, ...own, ...more].map((name) => nameOf(inBrackets(name))));
  return (host) => {
    const name = host === undefined ? null : nameOf(host);
    return name !== null && names.has(name);
  };
}

/**
 * Whether a request comes from a page of the API itself, or from no page at all.
 * @param fromPage It shows a cookie: only a browser does, and then it must say where it comes from.
 */
export function isSameOrigin(headers: IncomingHttpHeaders, fromPage: boolean): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (origin !== undefined) {
    const from = URL.canParse(origin) ? new URL(origin) : null;
    return from !== null && host !== undefined && from.host === new URL(`${from.protocol}//${host}`).host;
  }
  return site === 'same-origin' || (!fromPage && (site === undefined || site === 'none'));
}

function machineNames(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return [hostname(), ...addresses.map(({ address }) => address)];
}

function inBrackets(name: string): string {
  return name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
}

/** The name in a Host header, without its port, as URLs write it; null when it is none. */
function nameOf(host: string): string | null {
  const url = URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : null;
  return url !== null && url.href === `http://${url.host}/` && url.hostname !== '' ? url.hostname : null;
}
