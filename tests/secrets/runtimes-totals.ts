import { createTotals } from './totals.ts'

/** The code runs in processes of the runtimes, so only output is collected. */
export default createTotals({ output: 1500, event: 0, error: 0, read: 0, sent: 800 })
