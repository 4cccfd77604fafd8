/**
 * The server's certificate: made at the first start, pinned by clients at pairing; or the operator's own, which is
 * read again when its files change.
 */
import { createPrivateKey, hash, randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { isIP } from 'node:net'
import { SyncError } from '@anysync/protocol/errors.ts'
import { writeFileDurably } from './files.ts'

export type TlsFiles = { certificate: string; key: string }
export type Identity = {
  /** PEM. */
  certificate: string
  key: string
  /** SHA-256 of the certificate's DER, 32 bytes. */
  fingerprint: Uint8Array
}

const lifeMs = 10 * 365 * 86_400_000

/** Makes an ECDSA P-256 key and a self-signed certificate for the names. Clients pin it, so the names are a courtesy. */
export const createIdentity = async (files: TlsFiles, names: string[], nowMs: number): Promise<void> => {
  // Loaded here because only the very first start needs it; the library asks for the polyfill to be there before it.
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      // A serial number is positive and at most 20 bytes (RFC 5280 §4.1.2.2).
      serialNumber: `01${randomBytes(15).toString('hex')}`,
      name: 'CN=AnySync',
      notBefore: new Date(nowMs - 86_400_000),
      notAfter: new Date(nowMs + lifeMs),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        // Clients trust it as its own authority.
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyCertSign, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
        ),
      ],
    },
    webcrypto,
  )
  const key = createPrivateKey({
    key: Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)),
    format: 'der',
    type: 'pkcs8',
  })
  writeFileDurably(files.key, key.export({ format: 'pem', type: 'pkcs8' }), 0o600)
  writeFileDurably(files.certificate, `${certificate.toString('pem')}\n`, 0o644)
}

/** Throws `invalid` when the files cannot be read or do not belong together. */
export const readIdentity = (files: TlsFiles): Identity => {
  try {
    const certificate = readFileSync(files.certificate, 'utf8')
    const key = readFileSync(files.key, 'utf8')
    const parsed = new X509Certificate(certificate)
    if (!parsed.checkPrivateKey(createPrivateKey(key))) throw new Error('the key is of another certificate')
    return { certificate, key, fingerprint: hash('sha256', parsed.raw, 'buffer') }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown reason'
    const message = `the certificate ${files.certificate} and its key ${files.key} cannot be used (${reason}): put back files that belong together`
    throw new SyncError('tls.read', 'invalid', message, cause)
  }
}

/** Calls back with each new identity; files that do not fit together (one is being replaced) are reported and left. */
export const watchIdentity = (
  files: TlsFiles,
  {
    everyMs,
    onChange,
    onTrouble,
  }: { everyMs: number; onChange: (identity: Identity) => void; onTrouble: (error: unknown) => void },
): Disposable => {
  const read = () => {
    try {
      onChange(readIdentity(files))
    } catch (error) {
      onTrouble(error)
    }
  }
  const paths = [files.certificate, files.key]
  // Polled, because certificates are renewed by replacing links, which a watcher of the file does not see.
  for (const path of paths) watchFile(path, { interval: everyMs, persistent: false }, read)
  return {
    [Symbol.dispose]: () => {
      for (const path of paths) unwatchFile(path, read)
    },
  }
}
