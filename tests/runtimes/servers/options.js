/** Options of the guard, besides the endpoint in AUTH_ENDPOINT. The tests replace this file for each profile. */
export const options = { timeoutMs: 1000, public: ['/public/*'] }
