import type { CredentialsReader } from './credentials.ts'

/** Whether a request is a CORS preflight (Fetch standard): `OPTIONS` with its two fields and without credentials. */
export function isPreflight(
  { method, headers }: Request,
  readCredentials: CredentialsReader,
): boolean {
  if (method !== 'OPTIONS' || !headers.has('origin')) return false
  if (!headers.has('access-control-request-method')) return false
  // No browser upgrades a preflight, and an upgrade that is admitted stays open.
  if (headers.has('upgrade')) return false
  if (headers.has('authorization') || headers.has('cookie')) return false
  const credentials = readCredentials(headers)
  return typeof credentials !== 'string' && credentials.reason === 'missing_credentials'
}
