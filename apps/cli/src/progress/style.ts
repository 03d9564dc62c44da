/** Colours, or none of them. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  accent(text: string): string;
  warn(text: string): string;
}

const same = (text: string): string => text;
export const plainStyle: Style = { bold: same, dim: same, accent: same, warn: same };

const sgr =
  (code: number) =>
  (text: string): string =>
    `\x1b[${code}m${text}\x1b[0m`;
const colourStyle: Style = { bold: sgr(1), dim: sgr(2), accent: sgr(36), warn: sgr(33) };

/** Colours unless the environment asks for none (https://no-color.org: NO_COLOR set and not empty). */
export function styleFor(environment: NodeJS.ProcessEnv): Style {
  return environment.NO_COLOR ? plainStyle : colourStyle;
}
