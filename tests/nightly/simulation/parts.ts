/** The real code that a simulation runs. A variant of it is bundled from here. */
export { Memory, Parts } from '../../../src/memory/parts.ts'
export { CachePartition } from '../../../src/memory/partition.ts'
export { SharedCalls } from '../../../src/core/asking/shared-calls.ts'
export { createCheck, createFacts } from '../../../src/core/request/check.ts'
export { EngineError } from '../../../src/redis/engine.ts'
export { RedisStore } from '../../../src/redis/store.ts'
