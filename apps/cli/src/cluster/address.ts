/** Where a cluster's HTTP API is, and what lets us in. */
export interface ClusterAddress {
  /** http://host:port, with a path when the API is behind a proxy; no slash at the end. */
  readonly server: string;
  readonly token: string;
}

export const defaultServer = 'http://127.0.0.1:7351';

/** The address as `ClusterAddress` has it; null for what is no http or https address, or holds a name and password. */
export function readServer(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    return null;
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
