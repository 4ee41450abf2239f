import { createTotals } from './totals.ts'

/** The code is in the examples, so their output is all that there is. */
export default createTotals({ output: 10, event: 0, error: 0, read: 0, sent: 10 })
