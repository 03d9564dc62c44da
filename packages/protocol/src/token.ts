/** A cluster's secret: long enough not to be guessed, and such that an HTTP header carries it as it is. */
export const tokenPattern = /^[\x21-\x7e]{16,512}$/;
export const tokenWords = '16 to 512 ASCII characters without spaces';
