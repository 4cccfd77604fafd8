/**
 * The associated data of every seal and the message of every signature. Its home is the protocol, because the server
 * checks the login's signature.
 */
export { encodeContext, type ContextField } from '@anysync/protocol/context.ts'
