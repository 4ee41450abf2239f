import { expect, it } from 'vitest'
import { describeCommand } from '../../src/cli/help.ts'
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

it('describes a command in 80 columns, with the common options', () => {
  expect(describeCommand(command)).toBe(`Make a key.

Usage:
  with-auth keys create --keys FILE

It is shown once. A sentence that is longer than a line goes on below. A
sentence that is longer than a line goes on below.

And again.

Options:
  --keys FILE  the file with the keys, which is made where it is not there as
               yet [default: a b.yaml]
  --json       print JSON, for programs
  -h, --help   show this help

Environment:
  KEYS_TEST  what a test sets

Examples:
  $ with-auth keys create --keys keys.yaml > key.txt
`)
})

it('omits empty sections', () => {
  const { details: _, environment: __, ...rest } = command
  expect(describeCommand({ ...rest, usage: '', options: {}, examples: [] })).toBe(`Make a key.

Usage:
  with-auth keys create

Options:
  --json      print JSON, for programs
  -h, --help  show this help
`)
})
