/// <reference types="astro/client" />
// Declares the type of `context.locals.auth`.
import type { Auth } from 'with-auth'

declare global {
  namespace App {
    interface Locals {
      auth: Auth | undefined
    }
  }
}
