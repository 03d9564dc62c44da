/** An address as people may see it. A password may have any sign in it, another @ too. */
export function withoutPassword(url: string): string {
  return url.replace(/\/\/.*@/s, '//***@');
}
