import { checkCommand } from './check-command.ts'
import { configCommand } from './config-command.ts'
import { demoCommand } from './demo-command.ts'
import { endpointCommand } from './endpoint-command.ts'
import { gatewayCommand } from './gateway-command.ts'
import { keysCommands } from './keys-commands.ts'
import type { Command } from './command.ts'

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  gatewayCommand,
  ...keysCommands,
  endpointCommand,
  checkCommand,
  configCommand,
  demoCommand,
]
