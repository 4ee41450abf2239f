import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foldCase } from '../../src/access/case.ts'
import { canonicalPath } from '../../src/core/request/target.ts'
import { runs } from '../support/nightly.ts'
import { isPermitted, matchOf } from '../support/route-policy.ts'
import type { RouteRule } from '../../src/access.ts'
import { words } from '../support/words.ts'

/** Express and Fiber route without case, and most file systems of Windows and macOS look names up so. */

describe('a rule about a path in another case (Authelia CVE-2026-48794)', () => {
  const RULES: readonly RouteRule[] = [
    {
      forbid: { paths: ['/v1/admin*', 'regex:/v1/[a-z]+/secret'] },
      unless: 'user with a in roles',
    },
    { permit: { paths: '*' } },
  ]

  it.each(
    words(`
    /v1/ADMIN/secret /V1/Admin /v1/adm%49n /v1/%41dmin /V1//admin /V1;x/Admin /v1/admın /v1/admİn
    /V1/USERS/SECRET /v1/ſecret/ſecret
  `),
  )('forbids %s as it forbids the path as written', (typed) => {
    const path = canonicalPath(typed) ?? ''
    expect(isPermitted(RULES, path, { roles: [] })).toBe(false)
    expect(isPermitted(RULES, path, { roles: ['a'] })).toBe(true)
  })

  it.each<[pattern: string, path: string]>([
    ['/v1/models', '/v1/Models'],
    ['/v1/models', '/V1/models'],
    ['/v1/models*', '/v1/MODELS/x'],
    ['/v1/É', '/v1/%C3%A9'],
    ['/V1/Models', '/v1/models'],
    ['regex:/v1/[a-z]+$', '/v1/Models'],
    ['regex:/v1/[A-Z]+$', '/v1/models'],
    ['regex:/v1/models', '/v1/modelS'],
    [String.raw`regex:/v1/\w\d$`, '/v1/%CD%859'],
    ['/v1/ß', '/v1/%E1%BA%9E'],
    ['/v1/ςσ*', '/v1/%CE%A3%CE%A3'],
    ['/v1/𐐀', '/v1/%F0%90%90%A8'],
    ['/v1/k', '/v1/%E2%84%AA'],
    ['regex:/v1/[k]$', '/v1/%E2%84%AA'],
    ['regex:/v1/[i]$', '/v1/%C4%B0'],
  ])('%s and %s: a permit is exact, a forbid is not', (pattern, path) => {
    expect(matchOf(pattern, path)).toEqual({ permit: false, forbid: true })
  })

  it.each<[pattern: string, path: string, forbid: boolean]>([
    // A negated class means what it means with case: otherwise it would forbid the letter that it names.
    ['regex:/v1/[^a]$', '/v1/a', false],
    ['regex:/v1/[^a]$', '/v1/A', true],
    ['regex:/v1/[^a]b$', '/v1/AB', true],
    [String.raw`regex:/v1/\W$`, '/v1/%CE%B9', false],
    ['/v1/models', '/v1/modelz', false],
    ['/v1/ß', '/v1/ss', false],
    ['regex:/v1/a$', '/v1/%C3%A0', false],
  ])('%s and %s: a forbid %s', (pattern, path, forbid) => {
    expect(matchOf(pattern, path).forbid).toBe(forbid)
  })

  it('a forbid that matches a path matches it in every case', () => {
    const PATTERNS = [
      '/Ab',
      '/aB*',
      '/é',
      '/Éa*',
      'regex:/[a-c]+$',
      'regex:/a.?B',
      'regex:/é|/x[É]',
    ]
    const unit = fc.constantFrom(...'/aAbBcCéÉſ;'.split(''), '%2f', '%61', '%41')
    const path = fc.string({ unit, maxLength: 6 }).map((text) => canonicalPath(`/${text}`) ?? '/a')
    let matched = 0
    fc.assert(
      fc.property(fc.constantFrom(...PATTERNS), path, (pattern, one) => {
        const variants = [one, decodeURI(one).toUpperCase(), decodeURI(one).toLowerCase()]
        const found = variants.map((text) => matchOf(pattern, canonicalPath(text) ?? '').forbid)
        matched += Number(found[0])
        expect({ pattern, one, found: new Set(found).size }).toEqual({ pattern, one, found: 1 })
      }),
      { numRuns: runs(20_000) },
    )
    expect(matched).toBeGreaterThan(100)
  })
})

describe('foldCase', () => {
  const characters = Array.from({ length: 0x11_0000 }, (_, code) => String.fromCodePoint(code))
  const cased = characters.filter((one) => one.toLowerCase() !== one || one.toUpperCase() !== one)

  it('gives one text for all letters that are equal without case', () => {
    const all = cased.join('')
    const found = cased.flatMap((one) => {
      const code = one.codePointAt(0)?.toString(16)
      const same = all.match(new RegExp(`\\u{${code}}`, 'giu')) ?? []
      return same.filter((other) => foldCase(other) !== foldCase(one))
    })
    expect(cased.length).toBeGreaterThan(2800)
    // Each is a second code for the letter beside it, which only newer versions of Unicode take for it.
    expect(new Set(found)).toEqual(new Set('\u0390\u1fd3\u03b0\u1fe3\ufb05\ufb06'))
  })

  it('gives what is a letter of its own to no other, but for the two that Java reads as i', () => {
    const more = cased.filter((one) => {
      const code = one.codePointAt(0)?.toString(16)
      return !new RegExp(`^\\u{${code}}$`, 'iu').test(foldCase(one))
    })
    expect(more).toEqual(['İ', 'ı'])
  })

  it('keeps the number of characters, and changes nothing twice', () => {
    const wrong = characters.filter((one) => {
      const folded = foldCase(one)
      return folded.length !== one.length || foldCase(folded) !== folded
    })
    expect(wrong).toEqual([])
  })

  it('reads a sigma at the end as any other', () => {
    expect(foldCase('/ΑΣ')).toBe('/ασ')
    expect(foldCase('/ας')).toBe('/ασ')
  })
})
