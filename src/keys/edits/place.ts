import { storeRepository } from '../database/repository.ts'
import { fileRepository } from '../file/repository.ts'
import { requirePlace } from '../options.ts'
import type { KeyPlace } from '../database/store.ts'
import type { KeyRepository } from '../repository.ts'

/** @throws AuthConfigError for a wrong `place` */
export function repositoryOf(place: KeyPlace): KeyRepository {
  requirePlace(place)
  return typeof place === 'string' ? fileRepository(place) : storeRepository(place)
}
