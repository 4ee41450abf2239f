import { createTotals } from './totals.ts'

/** A tenth of the counts when this was written. */
export default createTotals({ output: 50, event: 100_000, error: 1400, read: 180, sent: 50 })
