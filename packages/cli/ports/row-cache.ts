/**
 * Rows of the base that were lately read or written: a turn asks for one node ten times, and for the folders above it
 * oftener. Says what the database would say as long as it is told of every write; two generations keep it small without
 * a clock: what was not asked for while one grew is forgotten.
 */
import type { NodeId } from '@anysync/protocol/ids.ts'
import type { BaseNode } from '@anysync/client/ports.ts'

/** A row as it is, or null for a node that has none. Whoever gets one leaves it as it is. */
type Rows = Map<NodeId, BaseNode | null>

/**
 * `highest`: no row of the link has an id above it; null: it has no row at all. New ids begin with the time, so that it
 * spares most of what is new a look at the database, here and of another device alike.
 */
type LinkRows = { young: Rows; old: Rows; highest: NodeId | null }

export class RowCache {
  readonly #rowsMax: number
  readonly #highestOf: (linkId: string) => NodeId | null
  readonly #links = new Map<string, LinkRows>()

  /**
   * `rowsMax`: so many rows of each link at most. `highestOf`: the highest id of a link's rows, null when it has none; it is
   * asked of a link of which nothing is remembered.
   */
  constructor(rowsMax: number, highestOf: (linkId: string) => NodeId | null) {
    this.#rowsMax = rowsMax
    this.#highestOf = highestOf
  }

  /** The row of a node, read when it is not remembered. */
  get(linkId: string, id: NodeId, read: () => BaseNode | null): BaseNode | null {
    const { young, old, highest } = this.#of(linkId)
    if (highest === null || id > highest) return null
    const known = young.get(id)
    if (known !== undefined) return known
    const before = old.get(id)
    const row = before === undefined ? read() : before
    this.#set(linkId, id, row)
    return row
  }

  /** The database has this row now, which stays as it is. */
  put(linkId: string, row: BaseNode): void {
    this.#set(linkId, row.id, row)
  }

  /** The database has no row of the node any more. */
  remove(linkId: string, id: NodeId): void {
    this.#set(linkId, id, null)
  }

  #set(linkId: string, id: NodeId, row: BaseNode | null): void {
    const link = this.#of(linkId)
    if (row !== null && (link.highest === null || id > link.highest)) link.highest = id
    link.young.set(id, row)
    if (link.young.size * 2 <= this.#rowsMax) return
    link.old = link.young
    link.young = new Map()
  }

  forget(): void {
    this.#links.clear()
  }

  #of(linkId: string): LinkRows {
    const known = this.#links.get(linkId)
    if (known !== undefined) return known
    const made = { young: new Map(), old: new Map(), highest: this.#highestOf(linkId) }
    this.#links.set(linkId, made)
    return made
  }
}
