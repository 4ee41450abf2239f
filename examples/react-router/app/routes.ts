// Which module answers which path.
import { route, type RouteConfig } from '@react-router/dev/routes'

export default [route('v1/notes', 'routes/notes.ts')] satisfies RouteConfig
