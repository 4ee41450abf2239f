// oxlint-disable-next-line no-control-regex
const NOT_ASCII = /[^\0-\x7f]/gu

/** Whether a character matches. */
export type Test = (character: string) => boolean

/**
 * Gives texts that are equal without case one form, of the same length. It is the simple case folding of Unicode. Beyond that, the
 * letters `ı` and `İ` become `i`, as in Java.
 */
export function foldCase(text: string): string {
  return text.replace(NOT_ASCII, foldLetter).toLowerCase()
}

function foldLetter(letter: string): string {
  // By way of the capital: `ς` and `σ` have one, and so have `ſ` and `s`.
  const folded = letter.toLowerCase().toUpperCase().toLowerCase()
  // `ß` would become `ss`, and `İ` an `i` with a dot of its own.
  return folded.length === letter.length ? folded : letter.toLowerCase().charAt(0)
}

/** The test of a character in any case. */
export function inAnyCase(character: string): Test {
  const small = foldCase(character)
  const capital = small.toUpperCase()
  if (capital === small) return (one) => one === small
  return (one) =>
    one === small || one === capital || (one.charCodeAt(0) > 0x7f && foldOnce(one) === small)
}

/** Makes a test that ignores the case of ASCII ignore that of every character. */
export function ignoringCase(test: Test): Test {
  return (one) => test(one) || (one.charCodeAt(0) > 0x7f && test(foldOnce(one)))
}

// Matching is synchronous, and many states test one character.
let last = ''
let lastFolded = ''

function foldOnce(character: string): string {
  if (character !== last) [last, lastFolded] = [character, foldCase(character)]
  return lastFolded
}
