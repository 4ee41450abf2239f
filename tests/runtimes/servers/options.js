/** What guards are configured with, beside the endpoint in AUTH_ENDPOINT. Each profile has its own in this place. */
export const options = { timeoutMs: 1000, public: ['/public/*'] }
