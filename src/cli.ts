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

// How long a process that was asked to stop waits for the reader of its output.
const FLUSH_MS = 1000

const { print, unwritten, flush, onFailure } = createOutput('stdout')
const { print: note, flush: flushNotes } = createOutput('stderr')

process.exitCode = await main(process.argv.slice(2), COMMANDS, {
  env: process.env,
  readInput: () => readInput(process.stdin),
  print,
  unwritten,
  flush: async () => void (await (isAskedToStop() ? within(FLUSH_MS, flush()) : flush())),
  ...describeTerminal(process.stdout, process.env),
  onPrintFailure: onFailure,
  note,
  nextSignal,
})
if (isAskedToStop()) {
  await within(
    FLUSH_MS,
    flushNotes().catch(() => undefined),
  )
  process.exit()
}
