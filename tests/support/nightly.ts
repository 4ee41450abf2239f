/** Whether this is `npm run test:nightly`, which leaves nothing out. */
export const IS_NIGHTLY = process.env['WITH_AUTH_NIGHTLY'] !== undefined

/** How often a property runs: a tenth of what runs each night. */
export function runs(nightly: number): number {
  return IS_NIGHTLY ? nightly : nightly / 10
}
