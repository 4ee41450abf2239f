/// <reference types="astro/client" />
// Says what is in `context.locals`.
import type { Auth } from 'with-auth'

declare global {
  namespace App {
    interface Locals {
      auth: Auth | undefined
    }
  }
}
