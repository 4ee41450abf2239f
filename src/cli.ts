#!/usr/bin/env node
import process from 'node:process'
import { checkCommand } from './cli/check-command.ts'
import { main } from './cli/main.ts'
import { nextSignal } from './cli/signals.ts'

const COMMANDS = [checkCommand]

process.exitCode = await main(process.argv.slice(2), COMMANDS, {
  env: process.env,
  print: (text) => void process.stdout.write(text),
  note: (text) => void process.stderr.write(text),
  nextSignal,
})
