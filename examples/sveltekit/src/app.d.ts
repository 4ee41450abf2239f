// Says what is in `event.locals`.
import type { Auth } from 'with-auth'

declare global {
  namespace App {
    interface Locals {
      auth: Auth | undefined
    }
  }
}
