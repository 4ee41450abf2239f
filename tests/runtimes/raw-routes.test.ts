import { BUN_ROUTES } from './raw-requests/servers.ts'
import { describeRouted } from './raw-requests/routed.ts'

for (const server of BUN_ROUTES) describeRouted(server)
