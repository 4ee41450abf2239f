// Declares the type of `event.locals.auth`.
import type { Auth } from 'with-auth'

declare global {
  namespace App {
    interface Locals {
      auth: Auth | undefined
    }
  }
}
