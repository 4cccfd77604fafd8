/**
 * The listings of folders in which all was as the base has it, by their SHA-256: a scan that finds the same again need not
 * read the rows. Asked of a link that has none, as before its first whole scan, the database is left alone.
 */
import { hash } from 'node:crypto'
import { idBytes } from '@anysync/protocol/limits.ts'
import { parseNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { textOf, type Statement } from './state-database.ts'

type ListingStatements = Record<'hasListings' | 'listing' | 'putListing' | 'removeListing', Statement>

export class Listings {
  readonly #sql: ListingStatements
  /** Whether a link has any, as far as it was looked up. */
  readonly #hasAny = new Map<number, boolean>()
  /** Folders whose listing this transaction removed: the many rows of one folder ask once. Null outside of one. */
  #gone: Set<string> | null = null

  constructor(sql: ListingStatements) {
    this.#sql = sql
  }

  /** Whether the link has any at all. */
  has(link: number): boolean {
    const known = this.#hasAny.get(link) ?? this.#sql.hasListings.get(link) !== null
    this.#hasAny.set(link, known)
    return known
  }

  find(link: number, folder: NodeId, listing: string): NodeId[] | null {
    const row = this.has(link) ? this.#sql.listing.get(link, folder) : null
    if (row === null || textOf(row, 'hash') !== hashOf(listing)) return null
    const ids = textOf(row, 'folders')
    return Array.from({ length: ids.length / idLetters }, (_, i) =>
      parseNodeId(ids.slice(i * idLetters, (i + 1) * idLetters)),
    )
  }

  put(link: number, folder: NodeId, listing: string, folders: readonly NodeId[]): void {
    this.#sql.putListing.run(link, folder, hashOf(listing), folders.join(''))
    this.#hasAny.set(link, true)
    this.#gone?.delete(`${link} ${folder}`)
  }

  /** A row of what lies in the folder is put or removed. */
  remove(link: number, folder: NodeId): void {
    const key = `${link} ${folder}`
    if (this.#gone?.has(key)) return
    this.#sql.removeListing.run(link, folder)
    this.#gone?.add(key)
  }

  /** Work that is one transaction: nobody else writes meanwhile. */
  within<Result>(work: () => Result): Result {
    this.#gone = new Set()
    try {
      return work()
    } finally {
      this.#gone = null
    }
  }

  /** Others may have written, or what was written was taken back. */
  forget(): void {
    this.#hasAny.clear()
  }
}

/** In hex. */
const idLetters = 2 * idBytes

const hashOf = (listing: string): string => hash('sha256', listing, 'hex')
