import { createTotals } from './totals.ts'

/** What some of the tests on this Node had alone, when this was written. */
export default createTotals({ output: 120, event: 450, error: 500, read: 75, sent: 40 })
