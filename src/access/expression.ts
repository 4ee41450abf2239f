import { ignoringCase, inAnyCase } from './case.ts'
import { character, choice, end, repeat, sequence, start } from './matcher.ts'
import type { Test } from './case.ts'
import type { Step } from './matcher.ts'

/** A pattern that is not read. Its message ends the sentence "it must be …". */
export class ExpressionError extends Error {}

const MAX_LENGTH = 256
const MOST_UNBOUNDED = 3
const MOST_COUNTED = 256

// `\d`, `\w` and `\s` mean what they mean in Python, whose patterns know all scripts. In JavaScript they know ASCII.
const SHORTHANDS: Readonly<Record<string, RegExp>> = {
  d: /\p{Nd}/u,
  w: /[\p{L}\p{N}_]/u,
  s: /\p{Z}/u,
}

const QUANTIFIER = /(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/y
const CLASS = /\[(\^?)((?:\\.|[^\]\\])*)\]/suy
const CLASS_PART = /\\.|[^\\]/gsu

const LOOSE_IN_PYTHON =
  /\\[pP]\{[^}]*\}|\[\^?(?:\\.|[^\]\\])*\]|\\.|\{(?:\d+(?:,\d*)?|,\d*)\}|[{}]/gsu
/** An escape, with the sign if it is one that JavaScript does not let one escape. In a class it has no meaning of its own. */
const ESCAPED = /\\(?:([ !"#%&',:;<=>@_`~])|.)/gsu

/**
 * Reads a regular expression that is anchored at the start of a path. It throws an `ExpressionError` for one that is broken,
 * that OGX and JavaScript read differently, or that takes OGX long: its matcher tries one way after the other.
 *
 * @param ignoresCase Also lets a character match in another case. A negated class keeps its case: `[^a]` matches `A`, and not `a`.
 */
export function readExpression(source: string, ignoresCase = false): Step {
  if (source === '') throw new ExpressionError('a regular expression after "regex:"')
  if (source.length > MAX_LENGTH) {
    throw new ExpressionError(`a regular expression of at most ${MAX_LENGTH} characters`)
  }
  const normal = normalize(source)
  requireValid(normal)
  return new ExpressionReader(normal, ignoresCase).read()
}

/**
 * Writes signs as JavaScript wants them where Python is freer: `re.escape` escapes `-`, `#` and others, and a brace that begins no
 * repetition is a character.
 */
function normalize(source: string): string {
  return source.replace(LOOSE_IN_PYTHON, (part) => {
    if (part === '{' || part === '}') return `\\${part}`
    if (part === String.raw`\-`) return '-'
    return part.replace(ESCAPED, (escape, sign?: string) => sign ?? escape)
  })
}

function requireValid(source: string): RegExp {
  try {
    return new RegExp(source, 'u')
  } catch {
    // The message of the runtime shows the expression, which may come from the environment.
    throw new ExpressionError('a valid regular expression')
  }
}

/** A part of an expression. */
interface Part {
  readonly step: Step
  /** Whether it holds no repetition and no alternative, so that it may be repeated. */
  readonly isFixed: boolean
}

interface Times {
  readonly min: number
  readonly max: number
}

/** Reads an expression whose syntax is valid. */
class ExpressionReader {
  readonly #source: string
  readonly #ignoresCase: boolean
  #at = 0
  #unbounded = 0
  #counted = 0

  constructor(source: string, ignoresCase: boolean) {
    this.#source = source
    this.#ignoresCase = ignoresCase
  }

  read(): Step {
    return this.#readChoice().step
  }

  #readChoice(): Part {
    const options = [this.#readSequence()]
    while (this.#skip('|')) options.push(this.#readSequence())
    const [first] = options
    if (first !== undefined && options.length === 1) return first
    return { step: choice(options.map(({ step }) => step)), isFixed: false }
  }

  #readSequence(): Part {
    const parts: Part[] = []
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at] ?? '')) {
      parts.push(this.#readPart())
    }
    return {
      step: sequence(parts.map(({ step }) => step)),
      isFixed: parts.every(({ isFixed }) => isFixed),
    }
  }

  #readPart(): Part {
    const part = this.#readAtom()
    const times = this.#readTimes()
    if (times === undefined) return part
    const { min, max } = times
    if (max > 1 && !part.isFixed) {
      throw new ExpressionError(
        'without a repeated group that holds a repetition or an alternative',
      )
    }
    this.#unbounded += max === Infinity ? 1 : 0
    this.#counted += max === Infinity ? min : max
    if (this.#unbounded > MOST_UNBOUNDED) {
      throw new ExpressionError(`one with at most ${MOST_UNBOUNDED} of "*", "+" and "{n,}"`)
    }
    if (this.#counted > MOST_COUNTED) {
      throw new ExpressionError(`one with repetitions of at most ${MOST_COUNTED} in all`)
    }
    return { step: repeat(part.step, min, max), isFixed: false }
  }

  #readTimes(): Times | undefined {
    const [found, sign, least = '', comma, most] = this.#match(QUANTIFIER) ?? []
    if (found === undefined) return undefined
    if (sign !== undefined) return { min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : Infinity }
    if (comma === '') return { min: Number(least), max: Number(least) }
    return { min: Number(least), max: most === '' ? Infinity : Number(most) }
  }

  #readAtom(): Part {
    if (this.#skip('(')) return this.#readGroup()
    const [set, negation, body = ''] = this.#match(CLASS) ?? []
    const step = set === undefined ? this.#readCharacter() : this.#readClass(body, negation === '^')
    return { step, isFixed: true }
  }

  #readGroup(): Part {
    if (this.#skip('?') && !this.#skip(':')) {
      throw new ExpressionError('without look-around, names and flags in a group')
    }
    const part = this.#readChoice()
    this.#skip(')')
    return part
  }

  #readCharacter(): Step {
    const [next = ''] = this.#match(/\\.|./suy) ?? []
    if (next === '^') return start
    if (next === '$') return end
    if (next === '.') return character(() => true)
    const literal = next.replace(/^\\(?=.)/su, '')
    const escape = readEscape(next)
    if (!this.#ignoresCase) return character(escape ?? ((one) => one === literal))
    return character(escape === undefined ? inAnyCase(literal) : ignoringCase(escape))
  }

  #readClass(body: string, isNegated: boolean): Step {
    const isFolded = this.#ignoresCase && !isNegated
    const test = parseClass(body, isFolded ? 'iu' : 'u')
    if (isNegated) return character((one) => !test(one))
    return character(isFolded ? ignoringCase(test) : test)
  }

  #skip(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#source)
    this.#at += found?.[0].length ?? 0
    return found
  }
}

/** The test of `\w` and the like. `undefined` for a character, also an escaped one. */
function readEscape(text: string): Test | undefined {
  const [, letter] = /^\\(.)$/su.exec(text) ?? []
  if (letter === undefined || !/[a-z\d]/i.test(letter)) return undefined
  const set = SHORTHANDS[letter.toLowerCase()]
  if (set === undefined) {
    throw new ExpressionError(
      String.raw`one whose only escapes are \d, \w, \s, their capitals and those of signs`,
    )
  }
  const isNegated = letter !== letter.toLowerCase()
  return (one) => set.test(one) !== isNegated
}

function parseClass(body: string, flags: 'u' | 'iu'): Test {
  // In Python this closing bracket is part of the class.
  if (body === '') throw new ExpressionError('without an empty class')
  const parts = body.match(CLASS_PART) ?? []
  const tests = parts.map(readEscape)
  const rest = parts.filter((_, index) => tests[index] === undefined)
  const shorthands = tests.filter((test) => test !== undefined)
  // A caret that is first by now is still a character.
  const others = new RegExp(`[${rest.join('').replace(/^\^/, '\\^')}]`, flags)
  return (one) => others.test(one) || shorthands.some((test) => test(one))
}
