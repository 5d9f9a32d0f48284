const LATIN = /^[\0-\xff]*$/

/**
 * The same text in one piece. V8 keeps a text that was put together as a tree of its parts, and one that was cut out of
 * another with all of that one: what is kept for long is worth a copy.
 */
export function flat(text: string): string {
  return LATIN.test(text) ? Buffer.from(text, 'latin1').toString('latin1') : text
}
