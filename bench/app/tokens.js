// Tokens of 60 bytes. load.lua creates the same tokens.
const PADDING = '0'.repeat(44)

export const MANY_TOKENS = Array.from(
  { length: 10_000 },
  (_, index) => `sk-good-${PADDING}${String(index).padStart(8, '0')}`,
)
export const [HOT_TOKEN] = MANY_TOKENS
export const WRONG_TOKEN = `sk-wrong${PADDING}00000000`
