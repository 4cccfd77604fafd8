/**
 * Certificates for tests: made in the test, so that no key lies in the repository and none expires there.
 */
import { webcrypto } from 'node:crypto'
import type { X509Certificate } from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 86_400_000

export type TestCertificate = {
  cert: string
  key: string
  der: Uint8Array
  certificate: X509Certificate
  keys: webcrypto.CryptoKeyPair
}

/** For a host, by an issuer or by itself; `days` from now it expires. */
export const newCertificate = async ({
  host,
  issuer,
  days = 10,
}: {
  host: string
  issuer?: TestCertificate
  days?: number
}): Promise<TestCertificate> => {
  // The library asks for the polyfill to be there before it.
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: `01${Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString('hex')}`,
      subject: `CN=${host}`,
      issuer: issuer?.certificate.subject ?? `CN=${host}`,
      notBefore: new Date(Date.now() - 100 * dayMs),
      notAfter: new Date(Date.now() + days * dayMs),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: issuer?.keys.privateKey ?? keys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(issuer === undefined, undefined, true),
        new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }]),
      ],
    },
    webcrypto,
  )
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return {
    cert: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
    der: new Uint8Array(certificate.rawData),
    certificate,
    keys,
  }
}
