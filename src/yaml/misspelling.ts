import { editDistance } from '../core/config/option-checks.ts'

// Other words that people write for a key.
const WORDS: Readonly<Record<string, readonly string[]>> = {
  auth: ['authentication', 'authorization', 'serverauth'],
  server: ['srvr'],
}

/**
 * Whether a key was probably meant to be another: it begins with that name, is at least the first half of it, or is one typing
 * mistake away from it (one letter is missing, wrong or too many, or two letters are swapped). Only letters and digits count,
 * in either case.
 */
export function mayMean(key: string, name: string): boolean {
  const text = plain(key)
  const whole = plain(name)
  if (whole.startsWith(text) && text.length * 2 >= whole.length) return true
  const words = [whole, ...(WORDS[name] ?? [])]
  return words.some((word) => text.startsWith(word) || isOneMistakeFrom(text, word))
}

function plain(key: string): string {
  return key.toLowerCase().replace(/[^a-z\d]/g, '')
}

function isOneMistakeFrom(text: string, word: string): boolean {
  const distance = editDistance(text, word)
  return distance <= 1 || (distance === 2 && lettersOf(text) === lettersOf(word))
}

function lettersOf(text: string): string {
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted() is not in ES2022
  return text.split('').sort().join('')
}
