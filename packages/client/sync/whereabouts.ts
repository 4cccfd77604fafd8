/**
 * Where each node lies on the disk while apply moves things about: what the scan found, over the base, kept true
 * with every move. Paths are worked out from folders, so that moving a folder moves all below it.
 */
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { joinPath, nameOf } from '../path.ts'
import type { DiskStat, State } from '../ports.ts'
import type { Step } from './plan.ts'

type Place = { folder: NodeId; name: string }
/** `stat`: how it looked there when it was last seen. */
type Seen = Place & { stat: DiskStat }

type WhereaboutsParts = { state: State; linkId: string; foldName: (name: string) => string }

export class Whereabouts {
  readonly #state: State
  readonly #linkId: string
  readonly #foldName: (name: string) => string
  readonly #places = new Map<NodeId, Seen>()
  /** Laid out when it is asked for: while nothing comes to this disk nobody asks. Of two in one place the one that came last. */
  #idsByPlace: Map<string, NodeId> | null = null
  /** Nodes that are not on the disk, whatever the base says. */
  readonly #gone = new Set<NodeId>()
  /** Of folders that were asked for since one last moved: most of what is asked lies in one of few. */
  readonly #folderPaths = new Map<NodeId, string>()

  constructor({ state, linkId, foldName }: WhereaboutsParts, steps: Step[]) {
    this.#state = state
    this.#linkId = linkId
    this.#foldName = foldName
    for (const { id, local } of steps) {
      if (local === null) this.#gone.add(id)
      if (local === null || local.path === '') continue
      const name = nameOf(local.path)
      this.moved(id, local.folder, name, local.disk)
    }
  }

  /** Notes that a node lies in a folder under a name, and how it looks there. */
  moved(id: NodeId, folder: NodeId, name: string, stat: DiskStat): void {
    this.#gone.delete(id)
    const before = this.#places.get(id)
    if (before?.folder === folder && before.name === name) {
      before.stat = stat
      return
    }
    if (before !== undefined) this.#leave(id, before)
    const place = { folder, name, stat }
    this.#places.set(id, place)
    this.#idsByPlace?.set(this.#key(place), id)
    this.#forgetPathsBelow(id)
  }

  /** Notes that a node is gone. */
  removed(id: NodeId): void {
    const before = this.#places.get(id)
    if (before !== undefined) this.#leave(id, before)
    this.#gone.add(id)
    this.#forgetPathsBelow(id)
  }

  #leave(id: NodeId, place: Place): void {
    this.#places.delete(id)
    const key = this.#idsByPlace === null ? '' : this.#key(place)
    if (this.#idsByPlace?.get(key) === id) this.#idsByPlace.delete(key)
  }

  /** No path leads through a folder whose own was not asked for. */
  #forgetPathsBelow(id: NodeId): void {
    if (this.#folderPaths.has(id)) this.#folderPaths.clear()
  }

  /** How a node of the plan looked when it was last seen; null when it is not on the disk. */
  stat(id: NodeId): DiskStat | null {
    return this.#places.get(id)?.stat ?? null
  }

  /** The same of any node: one that the plan does not name is as the base says. */
  seen(id: NodeId): DiskStat | null {
    return this.#places.get(id)?.stat ?? this.#state.node(this.#linkId, id)?.disk ?? null
  }

  /** Which node of the plan lies at a place. */
  at(folder: NodeId, name: string): NodeId | null {
    this.#idsByPlace ??= new Map([...this.#places].map(([id, place]) => [this.#key(place), id]))
    return this.#idsByPlace.get(this.#key({ folder, name })) ?? null
  }

  /** The path of a folder or other node; null when it, or a folder above it, is not on this disk. */
  path(id: NodeId): string | null {
    if (id === rootNodeId) return ''
    const place = this.#placeOf(id)
    const folder = place === null ? null : this.#pathOfFolder(place.folder)
    return place === null || folder === null ? null : joinPath(folder, place.name)
  }

  #pathOfFolder(id: NodeId): string | null {
    const known = this.#folderPaths.get(id)
    if (known !== undefined) return known
    const path = this.path(id)
    if (path !== null) this.#folderPaths.set(id, path)
    return path
  }

  #placeOf(id: NodeId): Place | null {
    const place = this.#places.get(id)
    if (place !== undefined) return place
    if (this.#gone.has(id)) return null
    const base = this.#state.node(this.#linkId, id)
    return base === null || base.disk === null ? null : { folder: base.parent, name: base.name }
  }

  /** Names that the disk takes for one are one place. */
  #key({ folder, name }: Place): string {
    return `${folder}/${this.#foldName(name)}`
  }
}
