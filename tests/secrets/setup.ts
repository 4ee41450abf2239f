import { appendFileSync } from 'node:fs'
import { afterAll, afterEach, expect, inject } from 'vitest'
import { findCanary } from './canary.ts'
import { startCapture } from './capture.ts'

/** Fails a test when its output, events or errors hold the token. The failure does not show the token. */

const { take, counts } = startCapture()

function check(): void {
  const places = take().flatMap(({ place, text }) => {
    const form = findCanary(text)
    return form === undefined ? [] : [`${place}: ${form}`]
  })
  if (places.length === 0) return
  throw new Error(`The token of the tests is in an ${[...new Set(places)].join(', in an ')}`)
}

afterEach(check)

afterAll(() => {
  const file = expect.getState().testPath ?? ''
  appendFileSync(inject('captureLog'), `${JSON.stringify({ file, ...counts })}\n`)
  for (const name of Object.keys(counts) as (keyof typeof counts)[]) counts[name] = 0
  check()
})
