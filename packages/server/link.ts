/**
 * The invitation as one link: where the server is, how to know it, and the right to make an account. What is secret
 * stands after the '#', which a browser never sends.
 */
const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')

/** `fingerprint`: SHA-256 of the certificate; null when clients check it by name. */
export const invitationLink = (url: string, token: Uint8Array, fingerprint: Uint8Array | null): string => {
  const pin = fingerprint === null ? '' : `&f=${base64url(fingerprint)}`
  return `${url}/join#i=${base64url(token)}${pin}`
}
