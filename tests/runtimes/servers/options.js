/** What the guards are configured with, beside the endpoint in AUTH_ENDPOINT. */
export const options = { timeoutMs: 1000, public: ['/public/*'] }
