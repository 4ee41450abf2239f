/** The command was called in a way that it does not know: exit code 2. The message never holds a value that may be secret. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}
