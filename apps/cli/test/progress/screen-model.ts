/** What a terminal shows after some text: as much of one as the live renderer uses. */
export class ScreenModel {
  rows: string[] = [''];
  cursorShown = true;
  wraps = true;
  /** The longest row drawn while wrapping was off. */
  longestUnwrapped = 0;
  private row = 0;
  private column = 0;

  constructor(private readonly width: number) {}

  feed(text: string): this {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
    for (const [token] of text.matchAll(/\x1b\[\??[\d;]*[A-Za-z]|\r|\n|[^\x1b\r\n]/gu)) this.take(token);
    return this;
  }

  private take(token: string): void {
    if (token === '\r') this.column = 0;
    else if (token === '\n') this.newLine();
    else if (token === '\x1b[J') {
      this.rows.length = this.row + 1;
      this.rows[this.row] = (this.rows[this.row] as string).slice(0, this.column);
    } else if (token === '\x1b[?25l') this.cursorShown = false;
    else if (token === '\x1b[?25h') this.cursorShown = true;
    else if (token === '\x1b[?7l') this.wraps = false;
    else if (token === '\x1b[?7h') this.wraps = true;
    else if (token.startsWith('\x1b[') && token.endsWith('A'))
      this.row = Math.max(0, this.row - Number(token.slice(2, -1)));
    else if (token.startsWith('\x1b[') && token.endsWith('m')) return;
    else if (token.startsWith('\x1b')) throw new Error(`unexpected ${JSON.stringify(token)}`);
    else this.put(token);
  }

  private put(letter: string): void {
    if (this.column >= this.width && this.wraps) this.newLine();
    const line = this.rows[this.row] as string;
    this.rows[this.row] = line.slice(0, this.column) + letter + line.slice(this.column + 1);
    this.column++;
    if (!this.wraps) this.longestUnwrapped = Math.max(this.longestUnwrapped, this.column);
  }

  private newLine(): void {
    this.row++;
    this.column = 0;
    this.rows[this.row] ??= '';
  }
}
