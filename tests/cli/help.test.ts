import { expect, it } from 'vitest'
import { describeCommand, describeCommands, describeGroup } from '../../src/cli/help.ts'
import type { Command } from '../../src/cli/command-line.ts'

const command: Command = {
  name: 'keys create',
  usage: '--keys FILE',
  summary: 'make a key',
  details: `It is shown once.${' A sentence that is longer than a line goes on below.'.repeat(2)}

And again.`,
  environment: { KEYS_TEST: 'what a test sets' },
  examples: ['with-auth keys create --keys keys.yaml > key.txt'],
  options: {
    keys: {
      value: 'FILE',
      help: 'the file with the keys, which is made where it is not there as yet',
      default: 'a b.yaml',
    },
  },
  run: async () => 0,
}

it('lists the commands', () => {
  expect(describeCommands([command])).toMatch(/^Commands:\n {2}keys create {2}make a key$/m)
})

it('lists the commands of a group by their second word', () => {
  expect(describeGroup('keys', [command])).toBe(`Usage:
  with-auth keys COMMAND [OPTIONS]

Commands:
  create  make a key

Run "with-auth keys COMMAND --help" for the options of a command.
`)
})

it('describes one in 80 columns, with the options that all have', () => {
  expect(describeCommand(command)).toBe(`Make a key.

Usage:
  with-auth keys create --keys FILE

It is shown once. A sentence that is longer than a line goes on below. A
sentence that is longer than a line goes on below.

And again.

Options:
  --keys FILE  the file with the keys, which is made where it is not there as
               yet [default: a b.yaml]
  --json       print JSON, for machines
  -h, --help   show this help

Environment:
  KEYS_TEST  what a test sets

Examples:
  $ with-auth keys create --keys keys.yaml > key.txt
`)
})

it('leaves out what a command does not have', () => {
  const { details: _, environment: __, ...rest } = command
  expect(describeCommand({ ...rest, usage: '', options: {}, examples: [] })).toBe(`Make a key.

Usage:
  with-auth keys create

Options:
  --json      print JSON, for machines
  -h, --help  show this help
`)
})
