#!/usr/bin/env node
import process from 'node:process'
import { COMMANDS, main } from './cli/main.ts'
import {
  createOutput,
  describeTerminal,
  isAskedToStop,
  nextSignal,
  readInput,
} from './cli/surroundings.ts'
import { within } from './core/async.ts'
import { describeOldNode } from './node/node-version.ts'

// After a stop signal, the time for a slow reader to take the rest of the output.
const FLUSH_MS = 1000

const oldNode = describeOldNode()
if (oldNode !== undefined) {
  process.stderr.write(`${oldNode}\n`)
  process.exit(1)
}

const stdout = createOutput('stdout')
const stderr = createOutput('stderr')

process.exitCode = await main(process.argv.slice(2), COMMANDS, {
  env: process.env,
  readInput: () => readInput(process.stdin),
  isInputTerminal: () => process.stdin.isTTY,
  ...stdout,
  flush: async () => {
    await (isAskedToStop() ? within(FLUSH_MS, stdout.flush()) : stdout.flush())
  },
  ...describeTerminal(process.stdout, process.env),
  note: stderr.print,
  nextSignal,
  onEnter: (listener) => {
    if (process.stdin.isTTY) process.stdin.on('data', listener)
    return process.stdin.isTTY
  },
})
if (isAskedToStop()) {
  const flushed = stderr.flush().catch(() => undefined)
  await within(FLUSH_MS, flushed)
  process.exit()
}
