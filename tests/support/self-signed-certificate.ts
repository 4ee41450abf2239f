/**
 * A self-signed certificate for `localhost` and its key, made with `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256
 * -nodes -days 36500 -subj /CN=localhost`. The key is public and protects nothing: it only makes a TLS server that fails.
 */
export const SELF_SIGNED = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgsSKAaqxYk5nyvNfh
Hqxh6KCbFFT6qyW7KKmEdzFvJM+hRANCAASTgL0Pyvq8owm9ghcUWcPaqbqixkKA
F9mYDrWk77u8LeEx8yassBaAg7k4g91acwJ5b6OyA2G/wcE+opVaHSHG
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBgDCCASWgAwIBAgIUXE8PluQbD9rGOovCQefwEjvsy1swCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTIwMTAzNDYzOFoYDzIxMjYxMTA3
MDM0NjM4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASTgL0Pyvq8owm9ghcUWcPaqbqixkKAF9mYDrWk77u8LeEx8yassBaA
g7k4g91acwJ5b6OyA2G/wcE+opVaHSHGo1MwUTAdBgNVHQ4EFgQU6ZPrmUqq5Hf2
avpqhJDLLTH0iXgwHwYDVR0jBBgwFoAU6ZPrmUqq5Hf2avpqhJDLLTH0iXgwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAnQtYwOuJjWa/GAsdaHCx
qc3XpA2r1hJHQMLCkhtUc14CIQCO6OAy0z8ajSJC5+jRJuluBVcuk5PNk8j3pc04
ZS7yNQ==
-----END CERTIFICATE-----
`,
}

/** Another one, with `localhost` as its alternative name, to rotate `SELF_SIGNED` to. */
export const ROTATED = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4trU2U2Kc4PYxgvK
FRRqWCtl2ClM6usE95qcoZUDecOhRANCAATX6UNGYf0DAL78m1Lpve9Fh/w3l6Ud
IIOkUZ/I66+yu5k1tu1RHjgkDnALa8MmIVO1KSPPAnPsF5hYnbK/6UBH
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIUcgXGnxDMo4kSSoB/mgT7gkROCyEwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNjIzMTIyNloYDzIxMjYxMTAy
MjMxMjI2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATX6UNGYf0DAL78m1Lpve9Fh/w3l6UdIIOkUZ/I66+yu5k1tu1RHjgk
DnALa8MmIVO1KSPPAnPsF5hYnbK/6UBHo2kwZzAdBgNVHQ4EFgQUDGOlXOC7lScz
N5xxbnlpENi6Ft8wHwYDVR0jBBgwFoAUDGOlXOC7lSczN5xxbnlpENi6Ft8wDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SAAwRQIgcnOacsyu8gpeaJnt0tVxBlqJ5JhIF24aKMI1vIjgmBMCIQDCjsNywKer
X1Ybsd2cUYE7c5JOUw1/2pX7hJo/RkGNaw==
-----END CERTIFICATE-----
`,
}
