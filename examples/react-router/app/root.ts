// Middleware of the root runs for every route. To guard some, export it from their parent: do not compare paths.
import { guard } from './auth.ts'

export { Outlet as default } from 'react-router'
export const middleware = [guard]
