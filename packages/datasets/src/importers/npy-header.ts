import { UnsupportedContentError } from '../errors.js';
import { TruncatedFileError, WrongMagicError } from './errors.js';

export interface NpyHeader {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Where the values start, bytes. */
  readonly dataStart: number;
}

const magic = '\x93NUMPY';
const maxDictBytes = 65_536;

/**
 * Reads the header of an NPY file, versions 1.0 to 3.0 (NumPy Enhancement Proposal 1 and numpy.lib.format): the
 * magic, two bytes of version, the length of the header, and a Python dict literal of exactly three keys.
 * @throws TruncatedFileError, WrongMagicError, UnsupportedContentError
 */
export function readNpyHeader(bytes: Buffer, path: string): NpyHeader {
  if (bytes.toString('latin1', 0, magic.length) !== magic) {
    const found = JSON.stringify(bytes.toString('latin1', 0, magic.length));
    throw new WrongMagicError(path, 'the NPY magic "\\x93NUMPY"', found);
  }
  if (bytes.length < 10) throw new TruncatedFileError(path, 10, bytes.length);
  const [major, minor] = [bytes[6]!, bytes[7]!];
  if (major < 1 || major > 3 || minor !== 0) {
    throw new UnsupportedContentError(path, `it is of NPY version ${major}.${minor}; 1.0, 2.0 and 3.0 are read.`);
  }
  // Version 1.0 counts the header in two bytes, the later ones in four.
  const dictStart = major === 1 ? 10 : 12;
  if (bytes.length < dictStart) throw new TruncatedFileError(path, dictStart, bytes.length);
  const dictBytes = major === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8);
  if (dictBytes > maxDictBytes) throw new UnsupportedContentError(path, `its header has ${dictBytes} bytes.`);
  const dataStart = dictStart + dictBytes;
  if (bytes.length < dataStart) throw new TruncatedFileError(path, dataStart, bytes.length);
  const dict = parseDict(bytes.toString(major === 3 ? 'utf8' : 'latin1', dictStart, dataStart));
  if (typeof dict === 'string') throw new UnsupportedContentError(path, `its NPY header is not valid: ${dict}.`);
  return { ...dict, dataStart };
}

/** A dict literal with the keys descr, fortran_order and shape, in any order; or what is wrong with it. */
function parseDict(text: string): Omit<NpyHeader, 'dataStart'> | string {
  const scan = new Scanner(text);
  const found = new Map<string, string>();
  if (scan.take(/\{/y) === null) return 'it does not start with {';
  while (scan.take(/\}/y) === null) {
    const key = scan.take(/'(descr|fortran_order|shape)'\s*:/y);
    if (key === null) return `${scan.rest()} is not one of its three keys`;
    if (found.has(key)) return `${key} is there twice`;
    const value = scan.take(valuePatterns[key as keyof typeof valuePatterns]);
    if (value === null) return `${scan.rest()} is not a value that ${key} may have here`;
    found.set(key, value);
    if (scan.take(/,/y) === null && !scan.at(/\s*\}/y)) return `a comma is missing before ${scan.rest()}`;
  }
  if (!scan.at(/\s*$/y)) return `${scan.rest()} follows it`;
  const [descr, fortranOrder, shape] = [found.get('descr'), found.get('fortran_order'), found.get('shape')];
  if (descr === undefined || fortranOrder === undefined || shape === undefined) return 'a key is missing';
  const sizes = shape.split(',').filter((size) => size.trim() !== '');
  return { descr, fortranOrder: fortranOrder === 'True', shape: sizes.map(Number) };
}

/** Each captures its value without quotes or parentheses. A tuple of one has a comma: (3,). */
const valuePatterns = {
  descr: /'([^'\\]{1,16})'/y,
  fortran_order: /(True|False)/y,
  shape: /\(\s*(|\d{1,15}\s*,|\d{1,15}(?:\s*,\s*\d{1,15}){1,31}\s*,?)\s*\)/y,
};

class Scanner {
  #position = 0;

  constructor(readonly text: string) {}

  /** Skips spaces and takes what matches: its first group, else the whole; or null. */
  take(pattern: RegExp): string | null {
    this.#match(/\s*/y);
    const match = this.#match(pattern);
    return match === null ? null : (match[1] ?? match[0]);
  }

  at(pattern: RegExp): boolean {
    pattern.lastIndex = this.#position;
    return pattern.test(this.text);
  }

  /** What comes next, for a message. */
  rest(): string {
    return JSON.stringify(this.text.slice(this.#position, this.#position + 24));
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#position;
    const match = pattern.exec(this.text);
    if (match !== null) this.#position = pattern.lastIndex;
    return match;
  }
}
