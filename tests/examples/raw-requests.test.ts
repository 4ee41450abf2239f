import { beforeAll, inject } from 'vitest'
import { describeRouted } from '../runtimes/raw-requests/routed.ts'
import { ATTACKED, prepareAttacked } from './attacked.ts'

beforeAll(() => prepareAttacked(inject('app')))

describeRouted(ATTACKED)
