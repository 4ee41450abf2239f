import { CANARY } from './canary.ts'
import type { Plugin } from 'vitest/config'

// But not in what a program says of a "good key".
const TOKEN = /\bgood\b(?! keys?\b)/g
const TESTS = /\/tests\/(?!secrets\/|.*node_modules\/).*\.ts$/

/** Puts the canary in the place of the token `good` wherever a test has it, so that all of them run with it. */
export function canaryInTests(except: RegExp = /(?!)/): Plugin {
  return {
    name: 'canary-in-tests',
    enforce: 'pre',
    transform: (code, id) =>
      TESTS.test(id) && !except.test(id)
        ? { code: code.replaceAll(TOKEN, CANARY), map: null }
        : undefined,
  }
}
