/**
 * Formats of files by their first bytes and by the ends of their names: enough to tell whether a file still is what its
 * name says. Knows the formats that people keep much of, and takes no other for strange.
 */

type Signature = { at: number; bytes: string }

const signature = (bytes: string, at = 0): Signature => ({ at, bytes })

/** `extensions` promise one of the signatures. Bytes are given as characters 0 to 255. */
const formats: { signatures: Signature[]; extensions: string }[] = [
  {
    signatures: [signature('PK\x03\x04'), signature('PK\x05\x06')],
    extensions: 'zip docx xlsx pptx docm xlsm odt ods odp odg epub jar apk kmz cbz sketch',
  },
  { signatures: [signature('\xd0\xcf\x11\xe0')], extensions: 'doc xls ppt msg pub vsd' },
  { signatures: [signature('%PDF'), signature('%!PS')], extensions: 'pdf' },
  { signatures: [signature('\xff\xd8\xff')], extensions: 'jpg jpeg' },
  { signatures: [signature('\x89PNG')], extensions: 'png' },
  { signatures: [signature('GIF8')], extensions: 'gif' },
  { signatures: [signature('II*\0'), signature('MM\0*')], extensions: 'tif tiff dng nef arw' },
  { signatures: [signature('RIFF')], extensions: 'webp wav avi' },
  {
    signatures: ['ftyp', 'moov', 'mdat', 'wide', 'free', 'skip'].map((bytes) => signature(bytes, 4)),
    extensions: 'mp4 m4a m4v m4b mov heic heif avif 3gp cr3',
  },
  { signatures: [signature('\x1aE\xdf\xa3')], extensions: 'mkv webm' },
  {
    signatures: ['ID3', '\xff\xfa', '\xff\xfb', '\xff\xf2', '\xff\xf3'].map((bytes) => signature(bytes)),
    extensions: 'mp3',
  },
  { signatures: [signature('fLaC')], extensions: 'flac' },
  { signatures: [signature('OggS')], extensions: 'ogg oga ogv opus' },
  { signatures: [signature('8BPS')], extensions: 'psd' },
  { signatures: [signature('\x1f\x8b\x08')], extensions: 'gz tgz' },
  { signatures: [signature('BZh')], extensions: 'bz2' },
  { signatures: [signature('\xfd7zXZ')], extensions: 'xz' },
  { signatures: [signature('\x28\xb5\x2f\xfd')], extensions: 'zst' },
  { signatures: [signature('7z\xbc\xaf')], extensions: '7z' },
  { signatures: [signature('Rar!')], extensions: 'rar cbr' },
  { signatures: [signature('SQLite format 3')], extensions: 'sqlite sqlite3' },
  // What Git packs, with the indexes beside it.
  { signatures: ['PACK', '\xfftOc', 'RIDX', 'BITM', 'DIRC'].map((bytes) => signature(bytes)), extensions: 'pack' },
]

/** What these names promise has no signature, and is text. */
const textExtensions =
  'txt md rst tex bib csv tsv json xml html htm css svg sql log ini conf cfg toml yaml yml eml mbox vcf ics srt rtf ' +
  'c h cc cpp hpp cs java kt swift go rs py rb php pl js jsx tsx vue sh bat ps1 lua r m ipynb'

/** What the end of a name promises: first bytes that are its own, text, or nothing that is known. */
export type Promised = 'signature' | 'text' | 'unknown'

const promised = new Map<string, Promised>([
  ...formats.flatMap(({ extensions }) => extensions.split(' ')).map((end) => [end, 'signature'] as const),
  ...textExtensions.split(' ').map((end) => [end, 'text'] as const),
])

export const promisedBy = (name: string): Promised => {
  const dot = name.lastIndexOf('.')
  return dot < 1 ? 'unknown' : (promised.get(name.slice(dot + 1).toLowerCase()) ?? 'unknown')
}

/** Whether these are the first bytes of any format that is known, whatever the file is called. */
export const hasSignature = (head: Uint8Array): boolean =>
  formats.some(({ signatures }) =>
    signatures.some(
      ({ at, bytes }) =>
        head.length >= at + bytes.length && Array.from(bytes).every((byte, i) => head[at + i] === byte.charCodeAt(0)),
    ),
  )
