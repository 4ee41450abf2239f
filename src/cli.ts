#!/usr/bin/env node
import process from 'node:process'
import { checkCommand } from './cli/check-command.ts'
import { configCommand } from './cli/config-command.ts'
import { demoCommand } from './cli/demo-command.ts'
import { endpointCommand } from './cli/endpoint-command.ts'
import { gatewayCommand } from './cli/gateway-command.ts'
import { keysCommands } from './cli/keys-commands.ts'
import { main } from './cli/main.ts'
import { nextSignal } from './cli/signals.ts'
import { createOutput, readInput } from './cli/standard-streams.ts'
import { describeTerminal } from './cli/surroundings.ts'

const COMMANDS = [
  gatewayCommand,
  ...keysCommands,
  endpointCommand,
  checkCommand,
  configCommand,
  demoCommand,
]

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
