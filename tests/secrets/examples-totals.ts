import { createTotals } from './totals.ts'

/** The code runs in the processes of the examples, so only output is collected. */
export default createTotals({ output: 10, event: 0, error: 0, read: 0, sent: 10 })
