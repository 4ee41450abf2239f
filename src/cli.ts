#!/usr/bin/env node
import process from 'node:process'
import { COMMANDS } from './cli/commands.ts'
import { main } from './cli/main.ts'
import { nextSignal } from './cli/signals.ts'
import { createOutput, readInput } from './cli/standard-streams.ts'
import { describeTerminal } from './cli/surroundings.ts'

const { print, flush, onFailure } = createOutput(process.stdout)

process.exitCode = await main(process.argv.slice(2), COMMANDS, {
  env: process.env,
  readInput: () => readInput(process.stdin),
  print,
  flush,
  ...describeTerminal(process.stdout, process.env),
  onPrintFailure: onFailure,
  note: createOutput(process.stderr).print,
  nextSignal,
})
