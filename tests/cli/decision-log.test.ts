import { describe, expect, it } from 'vitest'
import { createDecisionLog } from '../../src/cli/log.ts'
import { createSurroundings } from '../support/surroundings.ts'

describe('a log that cannot be written', () => {
  const epipe = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })

  it('says so once on standard error, and writes no more', () => {
    const surroundings = createSurroundings()
    const log = createDecisionLog(surroundings, false)
    log({ type: 'warning', message: 'read' })
    surroundings.failToPrint(epipe)
    surroundings.failToPrint(epipe)
    log({ type: 'warning', message: 'lost' })
    expect(surroundings.printed()).toMatch(/^[^\n]*read[^\n]*\n$/)
    expect(surroundings.noted()).toBe(
      'with-auth: the log cannot be written (EPIPE): serving goes on without it\n',
    )
  })
})

describe('a log whose reader is slow', () => {
  const MIB = 1_048_576
  const START = 'with-auth: the log has a slow reader: lines are dropped until it catches up\n'

  function create() {
    const surroundings = createSurroundings()
    let waiting = 0
    const log = createDecisionLog({ ...surroundings, unwritten: () => waiting }, false)
    return {
      ...surroundings,
      write: (message: string, unwritten: number) => {
        waiting = unwritten
        log({ type: 'warning', message })
      },
    }
  }

  it('is kept whole while a MiB waits, and is dropped then', () => {
    const { write, printed, noted } = create()
    write('one', MIB)
    expect(noted()).toBe('')
    write('two', MIB + 1)
    write('three', MIB + 1)
    expect(printed()).toMatch(/^.*"one".*\n$/)
    expect(noted()).toBe(START)
  })

  it('goes on when all that waited is written, and says how many lines are missing', () => {
    const { write, printed, noted } = create()
    write('one', MIB + 1)
    write('two', 1)
    write('three', 0)
    write('four', 1)
    const message = 'lines of the log that were dropped, since its reader was too slow: 2'
    expect(
      printed()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([{ type: 'warning', message }, { message: 'three' }, { message: 'four' }])
    expect(noted()).toBe(`${START}with-auth: ${message}\n`)
    write('five', MIB + 1)
    write('six', 0)
    expect(noted()).toMatch(/too slow: 1\n$/)
  })
})

describe('the form of a log', () => {
  it.each([
    [false, false, 'JSON'],
    [true, false, 'readable'],
    [true, true, 'JSON'],
    [false, true, 'JSON'],
  ])('on a terminal: %s, with --json: %s, is %s', (isTerminal, isJson, form) => {
    const surroundings = createSurroundings({}, '', { isTerminal, colors: false })
    createDecisionLog(surroundings, isJson)({ type: 'warning', message: 'careful' })
    expect(surroundings.printed()).toMatch(
      form === 'JSON' ? /^\{.*\}\n$/ : /^\S+ warning careful\n$/,
    )
  })
})
