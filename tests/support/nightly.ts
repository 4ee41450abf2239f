/** Whether this is `npm run test:nightly`, which runs everything. */
export const IS_NIGHTLY = process.env['WITH_AUTH_NIGHTLY'] !== undefined

/** The number of runs of a property: by day a twentieth of the nightly number. */
export function runs(nightly: number): number {
  return IS_NIGHTLY ? nightly : nightly / 20
}
