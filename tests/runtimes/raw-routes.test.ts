import { BUN_ROUTES } from './raw-requests/servers.ts'
import { describeRouted } from './raw-requests/routed.ts'

describeRouted(BUN_ROUTES)
