import { expect, it } from 'vitest'
import { describeCommand, describeCommands } from '../../src/cli/help.ts'
import type { Command } from '../../src/cli/command.ts'

const command: Command = {
  name: 'keys create',
  usage: '--keys FILE',
  summary: 'make a key',
  details: 'It is shown once.',
  options: { keys: { value: 'FILE', help: 'the file with the keys' } },
  run: async () => 0,
}

it('lists the commands', () => {
  expect(describeCommands([command])).toMatch(/^ {2}keys create +make a key$/m)
})

it('describes one, with the options that all have', () => {
  const text = describeCommand(command)
  expect(text).toContain('Usage: with-auth keys create --keys FILE\n\nMake a key.\n')
  expect(text).toMatch(/^ {2}--keys FILE +the file with the keys$/m)
  expect(text).toMatch(/^ {2}--json +print JSON, for machines$/m)
  expect(text).toContain('It is shown once.')
})
